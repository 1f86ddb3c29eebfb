package gallery

// Pages are all screens in all their states.
func Pages() []Page { return nil }
