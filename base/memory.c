#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LARGE_ELEMENT 64 /* bytes */

void *kerf_calloc(size_t count, size_t size)
{
    if (count == 0 || size == 0)
        count = size = 1;
    return count <= SIZE_MAX / size ? calloc(count, size) : NULL;
}

void *kerf_realloc_array(void *old, size_t count, size_t size)
{
    if (count == 0 || size == 0)
        count = size = 1;
    if (count > SIZE_MAX / size)
        return NULL;
    return realloc(old, count * size);
}

char *kerf_strdup(const char *text)
{
    return kerf_strndup(text, strlen(text));
}

char *kerf_strndup(const char *text, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = malloc(length + 1);
    if (copy == NULL)
        return NULL;
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

int kerf_reserve(void *array, size_t *capacity, size_t need, size_t maximum, size_t size)
{
    if (need <= *capacity)
        return 0;
    if (need > maximum)
        return -1;
    /* Of large elements there are often one or two, in very many arrays. */
    const size_t least = size < LARGE_ELEMENT ? 8 : 2;
    size_t wanted = *capacity < least ? least : *capacity <= maximum / 2 ? *capacity * 2 : maximum;
    if (wanted < need)
        wanted = need;
    if (wanted > maximum)
        wanted = maximum;
    /* `array` is the address of a pointer of any object type: copied as bytes, not aliased. */
    void *old;
    memcpy(&old, array, sizeof old);
    void *grown = kerf_realloc_array(old, wanted, size);
    if (grown == NULL)
        return -1;
    memcpy(array, &grown, sizeof grown);
    *capacity = wanted;
    return 0;
}
