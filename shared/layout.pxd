cpdef long long meta_kind(long long word)
cpdef long long meta_flags(long long word)
cpdef long long meta_symbol(long long word)
cpdef long long meta_scale(long long word)
