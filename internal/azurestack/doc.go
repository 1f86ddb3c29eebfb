// Package azurestack speaks to an Azure Stack Hub: through azure-sdk-for-go's
// hybrid profile 2020-09-01 where it has a client, and through plain ARM
// requests on the same pipeline where it has none.
//
// Every error that leaves the package is a *workflows.Problem. Nothing is
// read from the process's environment: proxy and trusted roots are the
// Stack's own.
package azurestack
