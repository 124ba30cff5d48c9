"""One pass per file, one public function each."""
