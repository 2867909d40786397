/* Checked allocation: sizes are multiplied only after an overflow check. All return NULL on
 * failure, never abort. Memory from here is freed with free(). */
#ifndef KERF_BASE_MEMORY_H
#define KERF_BASE_MEMORY_H

#include <stddef.h>

void *kerf_calloc(size_t count, size_t size); /* count 0 yields a valid pointer */
void *kerf_realloc_array(void *old, size_t count, size_t size);
char *kerf_strdup(const char *text);
char *kerf_strndup(const char *text, size_t length);

/* Makes room for `need` entries of `size` bytes in *array (capacity in *capacity), growing
 * geometrically up to `maximum` entries. Returns 0, or -1 with everything as it was. */
int kerf_reserve(void *array, size_t *capacity, size_t need, size_t maximum, size_t size);

#endif
