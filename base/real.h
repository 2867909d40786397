/* Numbers as text, fast and independent of the locale. */
#ifndef KERF_BASE_REAL_H
#define KERF_BASE_REAL_H

#include <stddef.h>
#include <stdint.h>

#define KERF_REAL_SIZE 32

/* Writes a finite number as a JSON real: 17 significant digits, correctly rounded, as printf's
 * %.17g has them, and always with a '.' or an 'e'. Reading it back gives the same number. Returns
 * the length. */
size_t kerf_write_real(double value, char text[KERF_REAL_SIZE]);
size_t kerf_write_integer(int64_t value, char text[KERF_REAL_SIZE]);

#endif
