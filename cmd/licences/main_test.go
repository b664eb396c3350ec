package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLicences(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"   Apache License\n   Version 2.0, January 2004":                                         "Apache-2.0",
		"MIT\n\nPermission is hereby granted, free of charge, to any\nperson obtaining a copy of": "MIT",
		"Redistribution and use in source and binary forms … Neither the name of X":               "BSD-3-Clause",
		"Redistribution and use in source and\nbinary forms, with or without":                     "BSD-2-Clause",
		"GNU AFFERO GENERAL PUBLIC LICENSE":                                                       "",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "LICENSE.txt"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := of(dir); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v, want %q", text, got, err, want)
		}
	}
	if _, err := of(t.TempDir()); err == nil {
		t.Error("a module without a licence passes")
	}
}
