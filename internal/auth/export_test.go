package auth

// Cheap makes a Service hash fast.
func Cheap(s *Service) *Service {
	s.hasher = newHasher(cost{memory: 64, passes: 1, lanes: 1})
	return s
}
