#include "base/real.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A number m * 2^-s times 10^k, with a mantissa of 53 bits and 10^k below 2^127, is exact in three
 * words; shifting it right by s, rounded, gives its 17 digits. Other numbers are left to printf. */
#define LEAST_FAST 1e-20
#define MOST_FAST  1e15
enum { DIGITS = 17 };

__extension__ typedef unsigned __int128 wide;

static const uint64_t ten_to[20] = {1,
                                    10,
                                    100,
                                    1000,
                                    10000,
                                    100000,
                                    1000000,
                                    10000000,
                                    100000000,
                                    1000000000,
                                    10000000000,
                                    100000000000,
                                    1000000000000,
                                    10000000000000,
                                    100000000000000,
                                    1000000000000000,
                                    10000000000000000,
                                    100000000000000000,
                                    1000000000000000000,
                                    10000000000000000000U};

/* mantissa * 10^k / 2^shift, rounded to nearest, ties to even; 0 < shift < 192, k < 39. */
static uint64_t scale(uint64_t mantissa, int k, int shift)
{
    const wide power = (wide)ten_to[k / 2] * ten_to[k - k / 2];
    const wide low = (wide)mantissa * (uint64_t)power;
    const wide high = (wide)mantissa * (uint64_t)(power >> 64) + (uint64_t)(low >> 64);
    const uint64_t word[4] = {(uint64_t)low, (uint64_t)high, (uint64_t)(high >> 64), 0};
    const int w = shift / 64, b = shift % 64;
    uint64_t whole = word[w] >> b;
    if (b > 0)
        whole |= word[w + 1] << (64 - b);
    const int h = (shift - 1) / 64, last = (shift - 1) % 64; /* the first bit that is cut off */
    const bool half = word[h] >> last & 1;
    bool rest = (word[h] & (((uint64_t)1 << last) - 1)) != 0;
    for (int i = 0; i < h; i++)
        rest = rest || word[i] != 0;
    return whole + (half && (rest || (whole & 1)));
}

/* The digits of a number in [LEAST_FAST, MOST_FAST) as an integer of DIGITS digits; returns the
 * decimal exponent of the first. */
static int digits_of(double value, uint64_t *digits)
{
    int binary;
    const double fraction = frexp(value, &binary); /* in [0.5, 1) */
    const uint64_t mantissa = (uint64_t)ldexp(fraction, 53);
    /* floor(log10(value)) or one less. */
    int exponent = (int)floor((binary - 1) * 0.30102999566398119);
    for (;; exponent++) {
        *digits = scale(mantissa, DIGITS - 1 - exponent, 53 - binary);
        if (*digits < ten_to[DIGITS])
            return exponent;
    }
}

static size_t ends_as_real(char *text, size_t n)
{
    if (memchr(text, '.', n) || memchr(text, 'e', n))
        return n;
    text[n++] = '.';
    text[n++] = '0';
    return n;
}

static size_t by_printf(double value, char *text)
{
    const int n = snprintf(text, KERF_REAL_SIZE, "%.17g", value);
    const size_t length = n > 0 && n < KERF_REAL_SIZE - 2 ? (size_t)n : 0;
    for (size_t i = 0; i < length; i++) /* a locale's decimal point */
        if (!strchr("0123456789+-e", text[i]))
            text[i] = '.';
    return ends_as_real(text, length);
}

/* Places n digits around the point as %g does. */
static size_t place(const char *digits, size_t n, int exponent, char *out)
{
    char *p = out;
    if (exponent < -4 || exponent >= DIGITS) {
        *p++ = digits[0];
        if (n > 1) {
            *p++ = '.';
            memcpy(p, digits + 1, n - 1);
            p += n - 1;
        }
        *p++ = 'e';
        *p++ = '-'; /* MOST_FAST needs no positive exponent */
        *p++ = (char)('0' + -exponent / 10);
        *p++ = (char)('0' + -exponent % 10);
    } else if (exponent < 0) {
        memcpy(p, "0.0000", (size_t)(1 - exponent));
        p += 1 - exponent;
        memcpy(p, digits, n);
        p += n;
    } else {
        const size_t whole = (size_t)exponent + 1;
        memcpy(p, digits, n < whole ? n : whole);
        if (n < whole)
            memset(p + n, '0', whole - n);
        p += whole;
        *p++ = '.';
        if (n > whole) {
            memcpy(p, digits + whole, n - whole);
            p += n - whole;
        } else {
            *p++ = '0';
        }
    }
    return (size_t)(p - out);
}

size_t kerf_write_integer(int64_t value, char text[KERF_REAL_SIZE])
{
    char reversed[24];
    size_t n = 0, sign = 0;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        reversed[n++] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (value < 0)
        text[sign++] = '-';
    for (size_t i = 0; i < n; i++)
        text[sign + i] = reversed[n - 1 - i];
    return sign + n;
}

size_t kerf_write_real(double value, char text[KERF_REAL_SIZE])
{
    const double size = fabs(value);
    if (size == 0) {
        static const char zero[] = {'-', '0', '.', '0'};
        const size_t sign = signbit(value) ? 1 : 0;
        memcpy(text, zero + 1 - sign, 3 + sign);
        return 3 + sign;
    }
    if (!(size >= LEAST_FAST && size < MOST_FAST))
        return by_printf(value, text);
    uint64_t number = 0;
    const int exponent = digits_of(size, &number);
    /* In two halves, whose divisions do not wait for each other. */
    char digits[DIGITS];
    uint32_t low = (uint32_t)(number % 100000000),
             high = (uint32_t)(number / 100000000 % 100000000);
    digits[0] = (char)('0' + number / ten_to[DIGITS - 1]);
    for (int i = 8; i > 0; i--, low /= 10, high /= 10) {
        digits[i] = (char)('0' + high % 10);
        digits[8 + i] = (char)('0' + low % 10);
    }
    size_t n = DIGITS;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    size_t sign = 0;
    if (value < 0)
        text[sign++] = '-';
    return sign + place(digits, n, exponent, text + sign);
}
