package cda

// The roles of the header, each in the order of its schema type.

func (w *writer) organization(name string, o *Organization) {
	if o == nil {
		return
	}
	w.Start(name)
	w.ids("id", o.IDs)
	w.leaf("name", o.Name)
	telecoms, addresses := o.Telecoms, o.Addresses
	if name == "representedCustodianOrganization" { // one of each at most
		telecoms, addresses = telecoms[:min(1, len(telecoms))], addresses[:min(1, len(addresses))]
	}
	w.telecoms(telecoms, false)
	w.addresses(addresses, false)
	w.code("standardIndustryClassCode", o.Industry)
	w.End()
}

// entity writes assignedAuthor, assignedEntity and associatedEntity.
func (w *writer) entity(name string, e Entity, organization string, pairs ...string) {
	w.Start(name, pairs...)
	w.ids("id", e.IDs)
	w.code("code", e.Code)
	w.addresses(e.Addresses, true)
	w.telecoms(e.Telecoms, true)
	switch name {
	case "associatedEntity":
		w.person("associatedPerson", e.Person)
	case "assignedAuthor":
		w.person("assignedPerson", e.Person)
		if e.Person == nil && e.Device != nil {
			w.Start("assignedAuthoringDevice")
			w.leaf("manufacturerModelName", e.Device.Model)
			w.leaf("softwareName", e.Device.Software)
			w.End()
		}
	default:
		w.person("assignedPerson", e.Person)
	}
	w.organization(organization, e.Organization)
	w.End()
}

func (w *writer) person(element string, n *Name) {
	if n != nil {
		w.Start(element)
		w.name(*n)
		w.End()
	}
}

func (w *writer) recipient(e Entity) {
	w.Start("intendedRecipient")
	w.ids("id", e.IDs)
	w.addresses(e.Addresses, false)
	w.telecoms(e.Telecoms, false)
	w.person("informationRecipient", e.Person)
	w.organization("receivedOrganization", e.Organization)
	w.End()
}

// signature writes legalAuthenticator and authenticator.
func (w *writer) signature(name string, p *Participation) {
	w.Start(name)
	w.moment("time", p.Time.Low)
	w.Empty("signatureCode", "code", "S")
	w.entity("assignedEntity", p.Entity, "representedOrganization")
	w.End()
}

func (w *writer) event(s ServiceEvent) {
	class := s.Class
	if class == "" {
		class = "ACT"
	}
	w.Start("serviceEvent", "classCode", class)
	w.ids("id", s.IDs)
	w.code("code", s.Code)
	w.interval("effectiveTime", s.Period)
	for _, p := range s.Performers {
		kind := p.Type
		if kind == "" {
			kind = "PRF"
		}
		w.Start("performer", "typeCode", kind)
		w.code("functionCode", p.Function)
		w.interval("time", p.Time)
		w.entity("assignedEntity", p.Entity, "representedOrganization")
		w.End()
	}
	w.End()
}

func (w *writer) encounter(e *Encounter) {
	w.Start("componentOf").Start("encompassingEncounter")
	w.ids("id", e.IDs)
	w.code("code", e.Code)
	w.interval("effectiveTime", e.Period)
	if e.Responsible != nil {
		w.Start("responsibleParty")
		w.entity("assignedEntity", e.Responsible.Entity, "representedOrganization")
		w.End()
	}
	w.Start("location").Start("healthCareFacility")
	w.ids("id", e.FacilityIDs)
	w.code("code", e.Facility)
	if e.FacilityName != "" {
		w.Start("location")
		w.leaf("name", e.FacilityName)
		w.End()
	}
	w.End().End()
	w.End().End()
}
