module claviger.test/logcheck

go 1.24

require golang.org/x/mod v0.0.0

// The copy that Go's own tree brings along; the harness puts it there.
replace golang.org/x/mod => ./xmod
