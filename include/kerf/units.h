/* Quantities with units, as people write them: "12 Mbit/s", "50ms", "1.5 GB", "0.138 nJ/MAC".
 *
 * kB/MB/GB are powers of ten, KiB/MiB/GiB powers of two; b and bit are bits, B and byte are
 * bytes. A number without a unit is refused, except zero and kinds that have no unit. Values are
 * finite and not negative unless said otherwise.
 */
#ifndef KERF_UNITS_H
#define KERF_UNITS_H

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(kind, canonical unit, what the value is called in an error) */
#define KERF_QUANTITY_LIST(X)                                                                      \
    X(KERF_TIME, "s", "a time such as \"50 ms\"")                                                  \
    X(KERF_ENERGY, "J", "an energy such as \"20 mJ\"")                                             \
    X(KERF_POWER, "W", "a power such as \"1.5 W\"")                                                \
    X(KERF_SIZE, "B", "a size such as \"1.5 MB\"")                                                 \
    X(KERF_RATE, "bit/s", "a rate such as \"12 Mbit/s\"")                                          \
    X(KERF_FRACTION, "", "a fraction such as \"0.2\" or \"20 %\"")                                 \
    X(KERF_ENERGY_PER_MAC, "J/MAC", "an energy per MAC such as \"0.14 nJ/MAC\"")                   \
    X(KERF_ENERGY_PER_BYTE, "J/B", "an energy per byte such as \"0.3 nJ/B\"")                      \
    X(KERF_TIME_PER_MAC, "s/MAC", "a time per MAC such as \"3 ps/MAC\"")                           \
    X(KERF_TIME_PER_BYTE, "s/B", "a time per byte such as \"0.1 ns/B\"")                           \
    X(KERF_POWER_PER_RATE, "W/(bit/s)", "a power per rate such as \"4.8 mW/(Mbit/s)\"")            \
    X(KERF_ENERGY_PER_KERNEL, "J/kernel", "an energy per kernel such as \"1 uJ/kernel\"")          \
    X(KERF_TIME_PER_KERNEL, "s/kernel", "a time per kernel such as \"1 us/kernel\"")               \
    X(KERF_FREQUENCY, "Hz", "a frequency such as \"5 MHz\"")

typedef enum kerf_quantity {
#define KERF_QUANTITY_ENUM(kind, unit, text) kind,
    KERF_QUANTITY_LIST(KERF_QUANTITY_ENUM)
#undef KERF_QUANTITY_ENUM
} kerf_quantity;

/* Parses text as a quantity of the given kind into SI units. Independent of the locale. */
KERF_API kerf_status kerf_parse_quantity(const char *text, kerf_quantity kind, double *value,
                                         kerf_error *err);

/* Writes a value with a fitting prefix and unit ("3.21 MB", "12 Mbit/s"), `digits` significant
 * digits; returns buffer. The output parses back to the rounded value. */
KERF_API const char *kerf_format_quantity(double value, kerf_quantity kind, int digits,
                                          char *buffer, size_t size);

#ifdef __cplusplus
}
#endif
#endif
