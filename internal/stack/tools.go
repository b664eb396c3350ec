package stack

import (
	"os/exec"
	"runtime"
)

// lookUp finds a program, or says how to install it.
func lookUp(tool, install string) error {
	if _, err := exec.LookPath(tool); err != nil {
		return &MissingToolError{Tool: tool, Install: install}
	}
	return nil
}

// checkTools says what the native start of these servers lacks.
func checkTools(servers []Server) error {
	if runtime.GOOS != "linux" {
		return &MissingToolError{
			Tool:    "a container engine",
			Install: "the native start reads Linux's /proc; on " + runtime.GOOS + " start Docker, then `make stack` uses it",
		}
	}
	for _, server := range servers {
		tool, install := "redis-server", "apt-get install redis-server"
		if server.Role == Kafka {
			tool, install = "java", "apt-get install openjdk-17-jre-headless"
		}
		if err := lookUp(tool, install); err != nil {
			return err
		}
	}
	return nil
}
