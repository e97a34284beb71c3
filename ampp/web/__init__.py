"""The pages: rendered here, live in the browser. `door` is all that is imported before somebody asks for one."""
