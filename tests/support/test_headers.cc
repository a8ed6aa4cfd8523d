// Empty: a set of precompiled headers belongs to a library, and a library needs a file.
