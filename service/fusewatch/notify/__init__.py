"""What people and programs are told: rendering (pure), and one module for each kind of destination."""
