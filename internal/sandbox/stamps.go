package sandbox

// Domain is the parent of all emulated Hub names.
const Domain = "azurestack.test"
