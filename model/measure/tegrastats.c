/* Logs of tegrastats. A line is words, among them pairs of a rail's name and "now/average" in
 * milliwatts, with "mW" behind either figure since JetPack 5:
 *
 *     RAM 2045/7860MB (lfb 1x4MB) ... VDD_IN 2345/2345 VDD_CPU 152/152
 *     11-24-2026 10:00:00 RAM 5000/30536MB ... VDD_GPU_SOC 3150mW/2971mW VDD_CPU_CV 900mW/900mW
 *
 * Memory is told as pairs too, but with other units or in other words' places: a rail's name has a
 * capital first, and is none of those. Lines may begin with a date and a time. */
#include "model/measure/rails.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((size_t)256 << 20)
#define MOST_WORDS 512
#define NAME_SIZE  64

void kerf_tegrastats_destroy(kerf_tegrastats **log)
{
    if (!log || !*log)
        return;
    kerf_rails_destroy(&(*log)->rails);
    free((*log)->rail);
    free(*log);
    *log = NULL;
}

/* "2345/2345" or "5226mW/5230mW": true, and the first figure. */
static bool is_power(const char *word, double *power_W)
{
    char *end = NULL;
    if (!isdigit((unsigned char)*word))
        return false;
    errno = 0;
    const long long now = strtoll(word, &end, 10);
    if (strncmp(end, "mW", 2) == 0)
        end += 2;
    if (*end != '/' || !isdigit((unsigned char)end[1]) || errno != 0)
        return false;
    strtoll(end + 1, &end, 10);
    if (strcmp(end, "mW") != 0 && *end != '\0')
        return false;
    *power_W = (double)now / 1000;
    return true;
}

/* RAM, SWAP, IRAM tell memory ("2045/7860MB", which is_power refuses, but "0/252" may be); NC is a
 * channel that is not wired, of which there may be several. */
static bool is_rail(const char *word)
{
    static const char *const others[] = {"RAM", "IRAM", "SWAP", "NC"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(word, others[i]) == 0)
            return false;
    return isupper((unsigned char)*word) && strlen(word) < NAME_SIZE;
}

typedef struct reading {
    const char *name;
    double power_W;
} reading;

/* The rails of one line, which is cut into words. */
static size_t read_line(char *line, reading *found, size_t most)
{
    size_t n = 0;
    char *rest = NULL;
    const char *previous = "";
    for (char *word = strtok_r(line, " \t\r", &rest); word; word = strtok_r(NULL, " \t\r", &rest)) {
        double power_W = 0;
        if (n < most && is_rail(previous) && is_power(word, &power_W))
            found[n++] = (reading){previous, power_W};
        previous = word;
    }
    return n;
}

/* The figure of exactly `digits` digits at *text, which moves on behind it and one more character.
 */
static bool read_digits(const char **text, size_t digits, int *value)
{
    *value = 0;
    for (size_t i = 0; i < digits; i++, ++*text) {
        if (!isdigit((unsigned char)**text))
            return false;
        *value = 10 * *value + (**text - '0');
    }
    if (**text != '\0')
        ++*text;
    return true;
}

/* "11-24-2026 10:00:00": seconds since some day, or NAN. */
static double read_stamp(const char *line)
{
    int month, day, year, hour, minute, second;
    if (!read_digits(&line, 2, &month) || !read_digits(&line, 2, &day) ||
        !read_digits(&line, 4, &year) || !read_digits(&line, 2, &hour) ||
        !read_digits(&line, 2, &minute) || !read_digits(&line, 2, &second) || month < 1 ||
        month > 12)
        return NAN;
    /* Days of a calendar whose year begins in March, so that leap days come last. */
    const int months = (month + 9) % 12, y = year - (month <= 2);
    const int days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * months + 2) / 5 + day;
    return 86400.0 * days + 3600.0 * hour + 60.0 * minute + second;
}

/* What the lines' own times say. */
typedef struct stamps {
    size_t first, last; /* lines that have one; 0: none */
    double first_s, last_s;
} stamps;

static void note_stamp(stamps *s, const char *line, size_t number)
{
    const double time_s = read_stamp(line);
    if (isnan(time_s))
        return;
    if (s->first == 0) {
        s->first = number;
        s->first_s = time_s;
    }
    s->last = number;
    s->last_s = time_s;
}

static kerf_status name_rails(kerf_tegrastats *log, const reading *found, size_t n,
                              const char *const *chosen, size_t n_chosen, kerf_error *err)
{
    for (size_t i = 0; i < n; i++) {
        kerf_rail *rail = rails_append(log->rails);
        if (!rail || !(rail->name = kerf_strdup(found[i].name)))
            return kerf_fail(err, KERF_E_NOMEM, NULL, "too many rails, or out of memory");
    }
    log->rail = kerf_calloc(n, sizeof *log->rail);
    if (!log->rail)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    return kerf_rails_choose(log->rails, chosen, n_chosen, err);
}

static kerf_status add_line(kerf_tegrastats *log, const reading *found, size_t n, size_t line,
                            double time_s, kerf_error *err)
{
    char where[32];
    double power_W[MOST_WORDS];
    snprintf(where, sizeof where, "line %zu", line);
    if (n != log->rails->n)
        return kerf_fail(err, KERF_E_INVALID, where, "has %zu rails, expected %zu as in the first",
                         n, log->rails->n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(found[i].name, log->rails->list[i].name) != 0)
            return kerf_fail(err, KERF_E_INVALID, where, "has a rail %.40s, expected %s",
                             found[i].name, log->rails->list[i].name);
        if (rails_is_absurd_W(found[i].power_W))
            return kerf_fail(err, KERF_E_INVALID, where, "has %s at %g W, expected at most 200 W",
                             found[i].name, found[i].power_W);
        power_W[i] = found[i].power_W;
        kerf_integral_add(&log->rail[i], time_s, power_W[i]);
    }
    kerf_integral_add(&log->total, time_s, kerf_rails_total_W(log->rails, power_W));
    return KERF_OK;
}

/* Every line is an interval later than the one before, whether it has rails or not. */
static kerf_status read_lines(kerf_tegrastats *log, char *text, double interval_s,
                              const char *const *chosen, size_t n_chosen, kerf_error *err)
{
    reading found[MOST_WORDS];
    stamps times = {0};
    size_t number = 0;
    kerf_status status = KERF_OK;
    for (char *line = text, *next = NULL; status == KERF_OK && line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        note_stamp(&times, line, ++number);
        const size_t n = read_line(line, found, MOST_WORDS);
        if (n == 0) {
            log->skipped++;
            continue;
        }
        if (log->lines++ == 0)
            status = name_rails(log, found, n, chosen, n_chosen, err);
        if (status == KERF_OK)
            status = add_line(log, found, n, number, (double)number * interval_s, err);
    }
    const double steps = (double)(times.last - times.first);
    log->stamped_s = steps > 0 ? (times.last_s - times.first_s) / steps : NAN;
    log->stamped_error_s = steps > 0 ? 1 / steps : NAN;
    if (status == KERF_OK && log->lines == 0)
        return kerf_fail(err, KERF_E_INVALID, NULL,
                         "has no line with power rails, expected some such as \"VDD_IN 2345/2345\" "
                         "(tegrastats prints them only as root on some boards)");
    return status;
}

kerf_status kerf_tegrastats_load(const char *path, double interval_s, const char *const *chosen,
                                 size_t n, kerf_tegrastats **log, kerf_error *err)
{
    kerf_error_clear(err);
    char *text = NULL;
    size_t size = 0;
    kerf_tegrastats *made = NULL;
    kerf_status status = KERF_E_INVALID;
    if (!(isfinite(interval_s) && interval_s > 0)) {
        kerf_fail(err, status, "interval", "is %g s, expected more than 0", interval_s);
        goto out;
    }
    status = kerf_read_file(path, MOST_BYTES, &text, &size, err);
    if (status != KERF_OK)
        goto out;
    status = KERF_E_SYNTAX;
    if (memchr(text, '\0', size)) {
        kerf_fail(err, status, NULL, "has zero bytes, expected a text");
        goto out;
    }
    status = KERF_E_NOMEM;
    made = kerf_calloc(1, sizeof *made);
    if (made && (made->rails = kerf_calloc(1, sizeof *made->rails)))
        made->rails->board = kerf_strdup("");
    if (!made || !made->rails || !made->rails->board) {
        kerf_fail(err, status, NULL, "out of memory");
        goto out;
    }
    status = read_lines(made, text, interval_s, chosen, n, err);
    if (status == KERF_OK) {
        *log = made;
        made = NULL;
    }
out:
    if (status != KERF_OK)
        kerf_error_source(err, path);
    kerf_tegrastats_destroy(&made);
    free(text);
    return status;
}
