package settings

// Keys returns the keys of all settings.
func Keys() []string {
	var keys []string
	for f := range leaves(table()) {
		keys = append(keys, f.key)
	}
	return keys
}
