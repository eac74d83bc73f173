package msstest_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/soclesante/socle/mss/msstest"
	"github.com/soclesante/socle/socletest"
)

// A patient photographs a prescription and sends it to the pharmacy in an hour,
// then answers what the pharmacy writes: the software under test sees it come as
// it would from Mon espace santé.
func ExampleNewRobot() {
	const pharmacy = "claire.officine@pharmacie.formation.mssante.fr"
	server, err := msstest.NewServer(msstest.Options{
		Introspect: func(context.Context, string) (string, bool, error) { return "899900000003", true, nil },
		Clock:      socletest.NewClock(time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)), // moves when told
		Mailboxes:  []msstest.Mailbox{{Address: pharmacy, Openers: []string{"899900000003"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	robot, err := msstest.NewRobot(server)
	if err != nil {
		log.Fatal(err)
	}
	// What the patient does with the first message of the pharmacy.
	_, err = robot.Patient("279035121518989", msstest.Act{After: 10 * time.Minute, Read: true,
		Answer: &msstest.PatientMessage{Name: "Anne Essai", Text: "Merci, je passe ce soir."}})
	if err != nil {
		log.Fatal(err)
	}
	err = robot.Write(pharmacy, time.Hour, msstest.PatientMessage{
		Matricule: "279035121518989", Name: "Anne Essai", Subject: "Mon ordonnance", Text: "Bonjour, la voici.",
		Files: map[string][]byte{"ordonnance.jpg": msstest.PrescriptionPhoto()},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(server.Messages(pharmacy, "INBOX")), "message")
	robot.Advance(time.Hour)
	fmt.Println(len(server.Messages(pharmacy, "INBOX")), "message")
	// Output:
	// 0 message
	// 1 message
}
