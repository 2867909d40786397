/* A ping ends with two lines, of which these are the forms in use:
 *
 *     5 packets transmitted, 4 received, +1 errors, 20% packet loss, time 4005ms
 *     5 packets transmitted, 4 packets received, 20.0% packet loss
 *     rtt min/avg/max/mdev = 8.021/9.513/11.204/1.104 ms, pipe 2
 *     round-trip min/avg/max = 8.021/9.513/11.204 ms
 */
#include "net/import/import.h"

#include "base/error.h"
#include "base/file.h"
#include "kerf/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LOG_BYTES = 64 * 1000 * 1000, MAX_NUMBER = 32 };

static size_t number_length(const char *text)
{
    return strspn(text, "0123456789.");
}

/* Parses `length` characters of a number as a quantity of the given unit. */
static bool parse(const char *number, size_t length, const char *unit, kerf_quantity kind,
                  double *value)
{
    char text[MAX_NUMBER + 8];
    if (length == 0 || length > MAX_NUMBER)
        return false;
    snprintf(text, sizeof text, "%.*s %s", (int)length, number, unit);
    return kerf_parse_quantity(text, kind, value, NULL) == KERF_OK;
}

/* The number before "% packet loss". */
static bool parse_loss(const char *line, const char *percent, double *loss)
{
    const char *start = percent;
    while (start > line && number_length(start - 1) > 0)
        start--;
    return parse(start, (size_t)(percent - start), "%", KERF_FRACTION, loss);
}

/* The second of the numbers after "min/avg/max... = ", in ms. */
static bool parse_rtt(const char *names, double *rtt_s)
{
    const char *text = strchr(names, '=');
    if (!text)
        return false;
    text += 1 + strspn(text + 1, " ");
    size_t least = number_length(text);
    if (least == 0 || text[least] != '/')
        return false;
    const char *mean = text + least + 1;
    const char *rest = mean + number_length(mean);
    if (*rest != '/' || !parse(mean, (size_t)(rest - mean), "ms", KERF_TIME, rtt_s))
        return false;
    rest += strspn(rest, "0123456789./");
    return strncmp(rest, " ms", 3) == 0;
}

static kerf_status parse_line(const char *line, size_t number, kerf_probe *found, kerf_error *err)
{
    char where[32];
    snprintf(where, sizeof where, "%zu", number);
    const char *percent = strstr(line, "% packet loss");
    if (percent && !parse_loss(line, percent, &found->loss))
        return kerf_fail(err, KERF_E_INVALID, where,
                         "unreadable packet loss, expected such as \"0.5%% packet loss\"");
    const char *names = strstr(line, "min/avg/max");
    if (names && !parse_rtt(names, &found->rtt_s))
        return kerf_fail(err, KERF_E_INVALID, where,
                         "unreadable round-trip times, expected such as "
                         "\"min/avg/max = 1.2/3.4/5.6 ms\"");
    if (percent && found->loss >= 1)
        return kerf_fail(err, KERF_E_INVALID, where,
                         "every packet was lost, expected at least one reply");
    return KERF_OK;
}

static kerf_status parse_log(char *text, size_t size, kerf_probe *found, kerf_error *err)
{
    size_t number = 1;
    for (char *line = text, *end = text + size; line < end; number++) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop)
            stop = end; /* the terminator that kerf_read_file adds */
        *stop = '\0';
        kerf_status status = parse_line(line, number, found, err);
        if (status != KERF_OK)
            return status;
        line = stop + 1;
    }
    if (isnan(found->rtt_s))
        return kerf_fail(err, KERF_E_INVALID, NULL,
                         "no round-trip times, expected a ping's summary such as "
                         "\"rtt min/avg/max/mdev = 1.2/3.4/5.6/0.7 ms\"");
    return KERF_OK;
}

kerf_status kerf_import_ping(const char *path, kerf_probe *probe, kerf_error *err)
{
    char *text = NULL;
    size_t size = 0;
    kerf_probe found = {NAN, NAN, NAN};
    kerf_status status = kerf_read_file(path, MAX_LOG_BYTES, &text, &size, err);
    if (status == KERF_OK)
        status = parse_log(text, size, &found, err);
    if (status == KERF_OK)
        *probe = found;
    else
        kerf_error_source(err, path);
    free(text);
    return status;
}
