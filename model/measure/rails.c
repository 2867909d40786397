/* Power rails through sysfs: finding and reading them. */
#include "model/measure/rails.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_RAILS   64
#define MOST_ENTRIES 256 /* of one folder */
#define PATH_SIZE    1024
#define VALUE_SIZE   256 /* of a file that tells one figure */

/* How a driver names the files of channel number `c`. */
typedef struct layout {
    const char *name, *power, *voltage, *current; /* power: NULL where it tells none */
    int first, last;                              /* channels */
} layout;

static const layout ina3221x = {
    "rail_name_%d", "in_power%d_input", "in_voltage%d_input", "in_current%d_input", 0, 2};
/* in4 to in7 are shunts and their sum: no rails. */
static const layout hwmon = {"in%d_label", NULL, "in%d_input", "curr%d_input", 1, 3};

kerf_rail *rails_append(kerf_rails *rails)
{
    if (rails->n >= MOST_RAILS)
        return NULL;
    kerf_rail *list = kerf_realloc_array(rails->list, rails->n + 1, sizeof *list);
    if (!list)
        return NULL;
    rails->list = list;
    list[rails->n] = (kerf_rail){0};
    return &list[rails->n++];
}

void kerf_rails_destroy(kerf_rails **rails)
{
    if (!rails || !*rails)
        return;
    for (size_t i = 0; i < (*rails)->n; i++) {
        free((*rails)->list[i].name);
        free((*rails)->list[i].power);
        free((*rails)->list[i].voltage);
        free((*rails)->list[i].current);
    }
    free((*rails)->list);
    free((*rails)->board);
    free(*rails);
    *rails = NULL;
}

/* The text of a small file without its end of line, or NULL. The caller frees. */
static char *read_text(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    if (kerf_read_file(path, VALUE_SIZE, &text, &size, NULL) != KERF_OK)
        return NULL;
    text[strcspn(text, "\r\n")] = '\0';
    return text;
}

/* folder/format with the channel's number; NULL without memory. */
static char *channel_path(const char *folder, const char *format, int channel)
{
    const char *number = strstr(format, "%d");
    char path[PATH_SIZE];
    const int n = snprintf(path, sizeof path, "%s/%.*s%d%s", folder, (int)(number - format), format,
                           channel, number + 2);
    return n > 0 && (size_t)n < sizeof path ? kerf_strdup(path) : NULL;
}

static bool readable(const char *path)
{
    char *text = path ? read_text(path) : NULL;
    const bool found = text != NULL;
    free(text);
    return found;
}

static kerf_status add_channel(kerf_rails *rails, const layout *l, const char *folder, int channel,
                               kerf_error *err)
{
    char *label_path = channel_path(folder, l->name, channel);
    char *label = label_path ? read_text(label_path) : NULL;
    free(label_path);
    /* A channel that is not wired has no label, or "NC". */
    if (!label || !*label || strcmp(label, "NC") == 0) {
        free(label);
        return KERF_OK;
    }
    kerf_make_printable(label, '?');
    kerf_rail *rail = rails_append(rails);
    if (!rail) {
        free(label);
        return kerf_fail(err, KERF_E_NOMEM, folder, "has too many rails, or memory ran out");
    }
    rail->name = label;
    rail->power = l->power ? channel_path(folder, l->power, channel) : NULL;
    rail->voltage = channel_path(folder, l->voltage, channel);
    rail->current = channel_path(folder, l->current, channel);
    if (!rail->voltage || !rail->current || (l->power && !rail->power))
        return kerf_fail(err, KERF_E_NOMEM, folder, "out of memory");
    if (rail->power && !readable(rail->power)) {
        free(rail->power);
        rail->power = NULL;
    }
    return KERF_OK;
}

static kerf_status add_monitor(kerf_rails *rails, const layout *l, const char *folder,
                               kerf_error *err)
{
    kerf_status status = KERF_OK;
    for (int c = l->first; status == KERF_OK && c <= l->last; c++)
        status = add_channel(rails, l, folder, c, err);
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

/* Entries of a folder that begin with `prefix`, sorted; none if it cannot be read. */
static char **entries(const char *folder, const char *prefix, size_t *n)
{
    *n = 0;
    char **names = kerf_calloc(MOST_ENTRIES, sizeof *names);
    DIR *dir = names ? opendir(folder) : NULL;
    for (struct dirent *e = NULL; dir && *n < MOST_ENTRIES && (e = readdir(dir));)
        if (e->d_name[0] != '.' && strncmp(e->d_name, prefix, strlen(prefix)) == 0 &&
            (names[*n] = kerf_strdup(e->d_name)))
            ++*n;
    if (dir)
        closedir(dir);
    if (names)
        qsort(names, *n, sizeof *names, by_name);
    return names;
}

typedef kerf_status visit(kerf_rails *rails, const char *path, kerf_error *err);

/* Calls `f` for every entry of the folder that begins with prefix. */
static kerf_status each(kerf_rails *rails, const char *folder, const char *prefix, visit *f,
                        kerf_error *err)
{
    size_t n = 0;
    char **names = entries(folder, prefix, &n);
    kerf_status status = names ? KERF_OK : kerf_fail(err, KERF_E_NOMEM, folder, "out of memory");
    for (size_t i = 0; status == KERF_OK && i < n; i++) {
        char path[PATH_SIZE];
        const int length = snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (length > 0 && (size_t)length < sizeof path)
            status = f(rails, path, err);
    }
    free_names(names, names ? n : 0);
    return status;
}

static kerf_status visit_iio(kerf_rails *rails, const char *path, kerf_error *err)
{
    return add_monitor(rails, &ina3221x, path, err);
}

static kerf_status visit_hwmon(kerf_rails *rails, const char *path, kerf_error *err)
{
    return add_monitor(rails, &hwmon, path, err);
}

/* drivers/ina3221x/0-0040/iio:device0 */
static kerf_status visit_ina3221x(kerf_rails *rails, const char *path, kerf_error *err)
{
    return each(rails, path, "iio", visit_iio, err);
}

/* drivers/ina3221/1-0040/hwmon/hwmon3 */
static kerf_status visit_ina3221(kerf_rails *rails, const char *path, kerf_error *err)
{
    char folder[PATH_SIZE];
    const int n = snprintf(folder, sizeof folder, "%s/hwmon", path);
    return n > 0 && (size_t)n < sizeof folder ? each(rails, folder, "hwmon", visit_hwmon, err)
                                              : KERF_OK;
}

/* class/hwmon/hwmon3, where the driver's own folder cannot be seen. */
static kerf_status visit_class(kerf_rails *rails, const char *path, kerf_error *err)
{
    char name_path[PATH_SIZE];
    const int n = snprintf(name_path, sizeof name_path, "%s/name", path);
    char *name = n > 0 && (size_t)n < sizeof name_path ? read_text(name_path) : NULL;
    const bool monitor = name && strcmp(name, "ina3221") == 0;
    free(name);
    return monitor ? add_monitor(rails, &hwmon, path, err) : KERF_OK;
}

/* Where rails may be, in the order they are looked for: the first place that has any is taken. */
static const struct {
    const char *folder, *prefix;
    visit *f;
} places[] = {
    {"bus/i2c/drivers/ina3221x", "", visit_ina3221x},
    {"bus/i2c/drivers/ina3221", "", visit_ina3221},
    {"class/hwmon", "hwmon", visit_class},
};

static kerf_status look(kerf_rails *rails, const char *sysfs, kerf_error *err)
{
    char looked[512] = "";
    size_t used = 0;
    kerf_status status = KERF_OK;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char folder[PATH_SIZE];
        const int n = snprintf(folder, sizeof folder, "%s/%s", sysfs, places[i].folder);
        if (n < 0 || (size_t)n >= sizeof folder)
            return kerf_fail(err, KERF_E_INVALID, NULL, "is too long a path for a sysfs root");
        status = each(rails, folder, places[i].prefix, places[i].f, err);
        if (status != KERF_OK || rails->n > 0)
            return status;
        const int m = snprintf(looked + used, used < sizeof looked ? sizeof looked - used : 0,
                               "%s%s", i ? ", " : "", folder);
        used += m > 0 ? (size_t)m : 0;
        if (used >= sizeof looked)
            used = sizeof looked - 1;
    }
    return kerf_fail(err, KERF_E_IO, NULL,
                     "no power monitor (INA3221) with a labelled rail was found, expected one in: "
                     "%s",
                     looked);
}

static kerf_status read_board(kerf_rails *rails, const char *sysfs, kerf_error *err)
{
    char path[PATH_SIZE];
    const int n = snprintf(path, sizeof path, "%s/firmware/devicetree/base/model", sysfs);
    rails->board = n > 0 && (size_t)n < sizeof path ? read_text(path) : NULL;
    if (!rails->board)
        rails->board = kerf_strdup("");
    if (!rails->board)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    kerf_make_printable(rails->board, '?');
    return KERF_OK;
}

kerf_status kerf_rails_find(const char *sysfs, kerf_rails **rails, kerf_error *err)
{
    kerf_error_clear(err);
    const char *root = sysfs ? sysfs : "/sys";
    kerf_rails *found = kerf_calloc(1, sizeof *found);
    if (!found)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    kerf_status status = read_board(found, root, err);
    if (status == KERF_OK)
        status = look(found, root, err);
    if (status == KERF_OK)
        *rails = found;
    else
        kerf_rails_destroy(&found);
    if (status != KERF_OK)
        kerf_error_source(err, root);
    return status;
}

/* --- reading --- */

/* Opened anew for every sample, as sysfs computes a file's content when it is opened. */
static kerf_status read_number(const char *path, double *value, kerf_error *err)
{
    char *text = NULL;
    size_t size = 0;
    kerf_status status = kerf_read_file(path, VALUE_SIZE, &text, &size, err);
    if (status != KERF_OK) {
        kerf_error_source(err, path);
        return status;
    }
    text[strcspn(text, "\r\n")] = '\0';
    char *end = NULL;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0) {
        kerf_make_printable(text, '?');
        status = kerf_fail(err, KERF_E_INVALID, NULL, "reads '%.40s', expected an integer", text);
        kerf_error_source(err, path);
    } else {
        *value = (double)number;
    }
    free(text);
    return status;
}

static kerf_status read_rail(const kerf_rail *rail, double *power_W, kerf_error *err)
{
    double power_mW = 0, voltage_mV = 0, current_mA = 0;
    kerf_status status = KERF_OK;
    if (rail->power) {
        status = read_number(rail->power, &power_mW, err);
    } else {
        status = read_number(rail->voltage, &voltage_mV, err);
        if (status == KERF_OK)
            status = read_number(rail->current, &current_mA, err);
        power_mW = voltage_mV * current_mA / 1000;
    }
    if (status != KERF_OK)
        return status;
    if (rails_is_absurd_W(power_mW / 1000)) {
        kerf_fail(err, KERF_E_INVALID, rail->name,
                  "reads %g W, expected -2 to 200 W: its counter has wrapped, or it is broken",
                  power_mW / 1000);
        kerf_error_source(err, rail->power ? rail->power : rail->current);
        return KERF_E_INVALID;
    }
    *power_W = power_mW / 1000;
    return KERF_OK;
}

kerf_status kerf_rails_read(const kerf_rails *rails, double *power_W, kerf_error *err)
{
    kerf_error_clear(err);
    kerf_status status = KERF_OK;
    for (size_t i = 0; status == KERF_OK && i < rails->n; i++)
        status = read_rail(&rails->list[i], &power_W[i], err);
    return status;
}

double kerf_rails_total_W(const kerf_rails *rails, const double *power_W)
{
    double total = 0;
    for (size_t i = 0; i < rails->n; i++)
        if (rails->list[i].in_total)
            total += power_W[i];
    return total;
}
