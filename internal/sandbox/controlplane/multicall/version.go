package main

import (
	"fmt"
	_ "unsafe" // for go:linkname

	utilversion "k8s.io/apimachinery/pkg/util/version"
	"k8s.io/component-base/version"
)

// A release build of Kubernetes sets these with the linker. We set them when the process starts, so that one file can
// be each of the versions that AKS Engine deploys. The linker still has to set gitVersion to the true version: from that
// the packages of Kubernetes take, before main, how old a version they can be.
var (
	//go:linkname gitVersion k8s.io/component-base/version.gitVersion
	gitVersion string
	//go:linkname gitMajor k8s.io/component-base/version.gitMajor
	gitMajor string
	//go:linkname gitMinor k8s.io/component-base/version.gitMinor
	gitMinor string
	//go:linkname gitCommit k8s.io/component-base/version.gitCommit
	gitCommit string
	//go:linkname gitTreeState k8s.io/component-base/version.gitTreeState
	gitTreeState string
)

// reportVersion makes the process report v, a full version with or without a leading "v", as its own.
func reportVersion(v string) error {
	parsed, err := utilversion.ParseSemantic(v)
	if err != nil {
		return err
	}
	gitVersion = "v" + parsed.String()
	gitMajor, gitMinor = fmt.Sprint(parsed.Major()), fmt.Sprint(parsed.Minor())
	// No commit of the real release is known here, so none is claimed.
	gitCommit, gitTreeState = "", "clean"
	return version.SetDynamicVersion(gitVersion)
}
