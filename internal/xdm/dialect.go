package xdm

// DefaultActionSlot is the slot of the extra metadata "action" of an entry:
// *assumed*, because the text that defines the action shows no XML. Read takes
// any slot whose name ends with it.
const DefaultActionSlot = "action"
