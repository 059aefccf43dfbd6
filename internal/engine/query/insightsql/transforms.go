package insightsql

// transform translates the commands that look at rows together.
func (c *compiler) transform(i int, x Command) error {
	return refused(x.where(), "the command %s is not supported yet", x.name())
}
