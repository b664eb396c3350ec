// Package certs makes TLS configurations of files in PEM form, as certificate managers
// and Kubernetes put them beside a program, and reads a certificate again when its
// files have changed: who renews it restarts nothing.
//
//	worker, err := certs.Files{Authorities: "ca.pem", Certificate: "worker.pem", Key: "worker.key"}.Both()
//	network := grpctransport.New(grpctransport.Config{TLS: worker})
//
// TLS 1.2 is the least version. The authorities are read once: to replace one, put the
// new one beside the old one, and restart.
package certs
