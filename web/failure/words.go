package failure

func kind(status int) string {
	switch status {
	case 400:
		return "Not understood"
	case 401:
		return "Login needed"
	case 403:
		return "Not allowed"
	case 404:
		return "Not found"
	case 405:
		return "Not this way"
	case 409:
		return "Changed in the meantime"
	case 413:
		return "Too large"
	case 429:
		return "Too many tries"
	}
	if status >= 500 {
		return "Our fault"
	}
	return "Refused"
}

func (p Props) what() string {
	if p.Problem.What != "" {
		return p.Problem.What
	}
	return "This did not work."
}
