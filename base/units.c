/* A quantity is a decimal number and a unit. A unit is a factor times a power of ten; the power is
 * added to the number's own exponent before that is converted, so that "0.138 nJ" is the double
 * nearest to 1.38e-10 and not a product of two roundings. */
#include "kerf/units.h"

#include "base/error.h"

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NUMBER 100 /* characters of a number without its exponent */

typedef struct scale {
    double factor;
    int exponent;
} scale;

/* What units are made of: one of these, or one over another. */
typedef enum atom {
    NOTHING,
    TIME,
    ENERGY,
    POWER,
    SIZE,
    RATE,
    MAC,
    KERNEL,
    FRACTION,
    FREQUENCY
} atom;

static const struct {
    atom over, under;
} kind_atoms[] = {
    [KERF_TIME] = {TIME, NOTHING},           [KERF_ENERGY] = {ENERGY, NOTHING},
    [KERF_POWER] = {POWER, NOTHING},         [KERF_SIZE] = {SIZE, NOTHING},
    [KERF_RATE] = {RATE, NOTHING},           [KERF_FRACTION] = {FRACTION, NOTHING},
    [KERF_ENERGY_PER_MAC] = {ENERGY, MAC},   [KERF_ENERGY_PER_BYTE] = {ENERGY, SIZE},
    [KERF_TIME_PER_MAC] = {TIME, MAC},       [KERF_TIME_PER_BYTE] = {TIME, SIZE},
    [KERF_POWER_PER_RATE] = {POWER, RATE},   [KERF_ENERGY_PER_KERNEL] = {ENERGY, KERNEL},
    [KERF_TIME_PER_KERNEL] = {TIME, KERNEL}, [KERF_FREQUENCY] = {FREQUENCY, NOTHING},
};

static const struct {
    const char *unit, *example;
} kind_texts[] = {
#define KIND_ROW(kind, unit, text) [kind] = {unit, text},
    KERF_QUANTITY_LIST(KIND_ROW)
#undef KIND_ROW
};

#define KIND_COUNT (sizeof kind_texts / sizeof kind_texts[0])

/* Prefixes by group. Fractions of a byte or a bit per second are mistakes (mB for MB), and nobody
 * counts in kiloseconds. */
#define DOWN 1u
#define UP   2u
#define IEC  4u

static const struct {
    const char *text;
    unsigned group;
    scale scale;
} prefixes[] = {
    {"a", DOWN, {1, -18}},
    {"f", DOWN, {1, -15}},
    {"p", DOWN, {1, -12}},
    {"n", DOWN, {1, -9}},
    {"u", DOWN, {1, -6}},
    {"\xc2\xb5", DOWN, {1, -6}},
    {"\xce\xbc", DOWN, {1, -6}},
    {"m", DOWN, {1, -3}},
    {"k", UP, {1, 3}},
    {"M", UP, {1, 6}},
    {"G", UP, {1, 9}},
    {"T", UP, {1, 12}},
    {"Ki", IEC, {1024.0, 0}},
    {"Mi", IEC, {1048576.0, 0}},
    {"Gi", IEC, {1073741824.0, 0}},
    {"Ti", IEC, {1099511627776.0, 0}},
};

#define PREFIX_COUNT (sizeof prefixes / sizeof prefixes[0])

static const struct {
    const char *text;
    atom atom;
    unsigned groups;
    scale scale;
} units[] = {
    {"s", TIME, DOWN, {1, 0}},
    {"min", TIME, 0, {60, 0}},
    {"h", TIME, 0, {3600, 0}},
    {"J", ENERGY, DOWN | UP, {1, 0}},
    {"Wh", ENERGY, DOWN | UP, {3600, 0}},
    {"W", POWER, DOWN | UP, {1, 0}},
    {"B", SIZE, UP | IEC, {1, 0}},
    {"byte", SIZE, UP | IEC, {1, 0}},
    {"bytes", SIZE, UP | IEC, {1, 0}},
    {"b", SIZE, UP | IEC, {0.125, 0}},
    {"bit", SIZE, UP | IEC, {0.125, 0}},
    {"bits", SIZE, UP | IEC, {0.125, 0}},
    {"bit/s", RATE, UP | IEC, {1, 0}},
    {"bits/s", RATE, UP | IEC, {1, 0}},
    {"b/s", RATE, UP | IEC, {1, 0}},
    {"bps", RATE, UP | IEC, {1, 0}},
    {"B/s", RATE, UP | IEC, {8, 0}},
    {"Bps", RATE, UP | IEC, {8, 0}},
    {"byte/s", RATE, UP | IEC, {8, 0}},
    {"bytes/s", RATE, UP | IEC, {8, 0}},
    {"MAC", MAC, UP, {1, 0}},
    {"MACs", MAC, UP, {1, 0}},
    {"kernel", KERNEL, 0, {1, 0}},
    {"", FRACTION, 0, {1, 0}},
    {"%", FRACTION, 0, {1, -2}},
    {"Hz", FREQUENCY, UP, {1, 0}},
};

#define UNIT_COUNT (sizeof units / sizeof units[0])

static bool find_prefix(const char *text, size_t length, unsigned groups, scale *found)
{
    if (length == 0) {
        *found = (scale){1, 0};
        return true;
    }
    for (size_t i = 0; i < PREFIX_COUNT; i++) {
        if ((prefixes[i].group & groups) != 0 && strlen(prefixes[i].text) == length &&
            memcmp(prefixes[i].text, text, length) == 0) {
            *found = prefixes[i].scale;
            return true;
        }
    }
    return false;
}

static bool find_atom(atom wanted, const char *text, size_t length, scale *found)
{
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        size_t own = strlen(units[i].text);
        if (units[i].atom != wanted || own > length ||
            memcmp(text + length - own, units[i].text, own) != 0)
            continue;
        scale prefix;
        if (find_prefix(text, length - own, units[i].groups, &prefix)) {
            *found = (scale){prefix.factor * units[i].scale.factor,
                             prefix.exponent + units[i].scale.exponent};
            return true;
        }
    }
    return false;
}

static bool find_unit(kerf_quantity kind, const char *text, size_t length, scale *found)
{
    atom over = kind_atoms[kind].over, under = kind_atoms[kind].under;
    if (under == NOTHING)
        return find_atom(over, text, length, found);
    const char *slash = memchr(text, '/', length);
    if (slash == NULL)
        return false;
    size_t before = (size_t)(slash - text), after = length - before - 1;
    const char *second = slash + 1;
    if (after >= 2 && second[0] == '(' && second[after - 1] == ')') {
        second++;
        after -= 2;
    }
    scale upper, lower;
    if (!find_atom(over, text, before, &upper) || !find_atom(under, second, after, &lower))
        return false;
    *found = (scale){upper.factor / lower.factor, upper.exponent - lower.exponent};
    return true;
}

/* ctype.h asks the locale. */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

typedef struct number {
    char mantissa[MAX_NUMBER + 1]; /* digits with at most one point, no exponent */
    int exponent;
    bool negative, zero;
} number;

/* Reads an exponent such as "e-9" if there is one; a lone "e" is left for the unit. */
static const char *scan_exponent(const char *text, int *exponent)
{
    const char *p = text + 1;
    if (*text != 'e' && *text != 'E')
        return text;
    bool negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    if (!is_digit(*p))
        return text;
    int value = 0;
    for (; is_digit(*p); p++)
        if (value < 100000) /* beyond every double, within every int */
            value = value * 10 + (*p - '0');
    *exponent = negative ? -value : value;
    return p;
}

/* Reads a decimal number; returns where it ends, NULL if there is none or it is too long. */
static const char *scan_number(const char *text, number *out)
{
    const char *p = text;
    size_t length = 0, digits = 0;
    bool point = false;
    *out = (number){.zero = true};
    if (*p == '-' || *p == '+')
        out->negative = *p++ == '-';
    for (; is_digit(*p) || (*p == '.' && !point); p++) {
        if (length == MAX_NUMBER)
            return NULL;
        out->mantissa[length++] = *p;
        if (*p == '.') {
            point = true;
            continue;
        }
        digits++;
        if (*p != '0')
            out->zero = false;
    }
    return digits > 0 ? scan_exponent(p, &out->exponent) : NULL;
}

/* Up to 15 digits and powers of ten up to 10^22 are exact as doubles, so that one multiplication or
 * division of them is the number correctly rounded, as strtod has it (Clinger 1990). */
static bool to_double_exactly(const number *from, int exponent, double *value)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double mantissa = 0;
    int digits = 0;
    bool point = false;
    for (const char *p = from->mantissa; *p; p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        mantissa = 10 * mantissa + (*p - '0');
        exponent -= point;
        if (++digits > 15)
            return false;
    }
    if (exponent < -22 || exponent > 22)
        return false;
    *value = exponent < 0 ? mantissa / tens[-exponent] : mantissa * tens[exponent];
    return true;
}

/* strtod as the C locale has it, whatever the program or another thread sets. */
static bool to_double(const number *from, int exponent, double *value)
{
    if (to_double_exactly(from, exponent, value))
        return true;
    char text[MAX_NUMBER + 16];
    snprintf(text, sizeof text, "%se%d", from->mantissa, exponent);
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0)
        return false;
    *value = strtod_l(text, NULL, c);
    freelocale(c);
    return true;
}

/* What the reader may have meant; "" if nothing comes to mind. */
static const char *unit_hint(kerf_quantity kind, const char *unit, size_t length)
{
    atom over = kind_atoms[kind].over;
    if ((over == SIZE || over == RATE) && length > 1 && unit[0] == 'K' && unit[1] != 'i')
        return " (k is 1000, Ki is 1024)";
    if ((over == SIZE || over == RATE) && length > 1 && unit[0] == 'm')
        return " (mega is M)";
    if (length > 0 && unit[0] == ',')
        return " (decimals follow a point)";
    return "";
}

static kerf_status fail(kerf_error *err, const char *text, const char *what, const char *hint,
                        kerf_quantity kind)
{
    return kerf_fail(err, KERF_E_INVALID, NULL, "\"%.60s\"%s %s%s, expected %s", text,
                     strlen(text) > 60 ? "..." : "", what, hint, kind_texts[kind].example);
}

kerf_status kerf_parse_quantity(const char *text, kerf_quantity kind, double *value,
                                kerf_error *err)
{
    if (text == NULL || (size_t)kind >= KIND_COUNT)
        return kerf_fail(err, KERF_E_INVALID, NULL, "no quantity given");
    const char *p = text;
    while (is_space(*p))
        p++;
    number parsed;
    const char *unit = scan_number(p, &parsed);
    if (unit == NULL)
        return fail(err, text, "is not a number with a unit", "", kind);
    while (is_space(*unit))
        unit++;
    size_t length = strlen(unit);
    while (length > 0 && is_space(unit[length - 1]))
        length--;
    scale unit_scale = {1, 0};
    bool bare_zero = length == 0 && parsed.zero;
    if (!bare_zero && !find_unit(kind, unit, length, &unit_scale)) {
        if (length == 0)
            return fail(err, text, "has no unit", "", kind);
        return fail(err, text, "has a unit that does not fit here", unit_hint(kind, unit, length),
                    kind);
    }
    if (parsed.negative && !parsed.zero)
        return fail(err, text, "is negative", "", kind);
    double result = 0;
    if (!to_double(&parsed, parsed.exponent + unit_scale.exponent, &result))
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    result *= unit_scale.factor;
    if (!isfinite(result))
        return fail(err, text, "is too large for a number", "", kind);
    if (kind == KERF_FRACTION && result > 1)
        return fail(err, text, "is above 1", "", kind);
    *value = result;
    return KERF_OK;
}

/* How values of a kind are printed: the prefixes from 10^low to 10^high in steps of three go
 * before `suffix`, after a shift by 10^shift to the unit that `suffix` names. */
static const struct {
    int low, high, shift;
    const char *suffix;
} styles[] = {
    [KERF_TIME] = {-12, 0, 0, "s"},
    [KERF_ENERGY] = {-12, 12, 0, "J"},
    [KERF_POWER] = {-12, 12, 0, "W"},
    [KERF_SIZE] = {0, 12, 0, "B"},
    [KERF_RATE] = {0, 12, 0, "bit/s"},
    [KERF_FRACTION] = {0, 0, 2, "%"},
    [KERF_ENERGY_PER_MAC] = {-15, 0, 0, "J/MAC"},
    [KERF_ENERGY_PER_BYTE] = {-15, 0, 0, "J/B"},
    [KERF_TIME_PER_MAC] = {-15, 0, 0, "s/MAC"},
    [KERF_TIME_PER_BYTE] = {-15, 0, 0, "s/B"},
    [KERF_POWER_PER_RATE] = {-9, 3, 6, "W/(Mbit/s)"},
    [KERF_ENERGY_PER_KERNEL] = {-12, 0, 0, "J/kernel"},
    [KERF_TIME_PER_KERNEL] = {-12, 0, 0, "s/kernel"},
    [KERF_FREQUENCY] = {0, 12, 0, "Hz"},
};

static const char *const step_prefixes[] = {"f", "p", "n", "u", "m", "", "k", "M", "G", "T"};

/* Writes digits d0 d1 ... meaning d0.d1... x 10^point as a plain decimal without trailing zeros
 * behind the point. |point| is small. */
static void place_point(const char *digits, int point, char *out, size_t size)
{
    int count = (int)strlen(digits);
    while (count > 1 && count > point + 1 && digits[count - 1] == '0')
        count--;
    size_t used = 0;
    int first = point < 0 ? point : 0, last = count - 1 > point ? count - 1 : point;
    for (int i = first; i <= last && used + 2 < size; i++) {
        out[used++] = i >= 0 && i < count ? digits[i] : '0';
        if (i == (point < 0 ? first : point) && i < last)
            out[used++] = '.';
    }
    out[used] = '\0';
}

/* Rounds to `count` digits: *digits gets them without a point, the decimal exponent is returned. */
static int round_digits(double value, int count, char *digits)
{
    char text[64];
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    const char *e = strchr(text, 'e');
    size_t used = 0;
    for (const char *p = text; p < e; p++)
        if (is_digit(*p)) /* skips the point, whatever the locale calls it */
            digits[used++] = *p;
    digits[used] = '\0';
    return (int)strtol(e + 1, NULL, 10);
}

const char *kerf_format_quantity(double value, kerf_quantity kind, int digits, char *buffer,
                                 size_t size)
{
    if (size == 0)
        return buffer;
    const char *suffix = styles[kind].suffix, *gap = suffix[0] != '\0' ? " " : "";
    if (!isfinite(value)) {
        snprintf(buffer, size, "%s%s%s",
                 isnan(value) ? "nan"
                 : value > 0  ? "inf"
                              : "-inf",
                 gap, suffix);
        return buffer;
    }
    char rounded[32] = "0", number_text[64];
    int count = digits < 1 ? 1 : digits > 17 ? 17 : digits;
    int exponent = round_digits(fabs(value), count, rounded);
    int low = styles[kind].low, high = styles[kind].high, step = 0;
    if (value != 0) {
        exponent += styles[kind].shift;
        step = (exponent >= 0 ? exponent / 3 : -((2 - exponent) / 3)) * 3;
        step = step < low ? low : step > high ? high : step;
    }
    int point = exponent - step;
    if (point >= -6 && point <= 20) {
        place_point(rounded, point, number_text, sizeof number_text);
    } else {
        place_point(rounded, 0, number_text, sizeof number_text - 8);
        size_t used = strlen(number_text);
        snprintf(number_text + used, sizeof number_text - used, "e%d", point);
    }
    snprintf(buffer, size, "%s%s%s%s%s", value < 0 ? "-" : "", number_text, gap,
             step_prefixes[step / 3 + 5], suffix);
    return buffer;
}
