"""May this region write? Asked each time a member is about to be promoted."""
