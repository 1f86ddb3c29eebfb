package helper

import (
	"fmt"
	"strings"

	"github.com/gliderlabs/ssh"
)

// answerLikeWindows is the command interpreter of a Windows host, as far as a visitor who expects Linux sees it.
func answerLikeWindows(s ssh.Session) {
	command := strings.TrimSpace(s.RawCommand())
	word, rest, _ := strings.Cut(command, " ")
	switch strings.ToLower(word) {
	case "":
		fmt.Fprint(s, "Microsoft Windows [Version 10.0.17763.5830]\r\n(c) 2018 Microsoft Corporation. All rights reserved.\r\n")
	case "ver":
		fmt.Fprint(s, "\r\nMicrosoft Windows [Version 10.0.17763.5830]\r\n")
	case "echo":
		fmt.Fprintf(s, "%s\r\n", rest)
	default:
		fmt.Fprintf(s.Stderr(), "'%s' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n", strings.Trim(word, `"`))
		s.Exit(1)
		return
	}
	s.Exit(0)
}
