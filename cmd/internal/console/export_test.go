package console

// HasRole tells whether a request's role is said.
func HasRole(pattern string) bool {
	_, ok := needs()[pattern]
	return ok
}
