/* From measurements to the kernels that were run, in groups. */
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "model/calibrate/calibrate.h"

#include <math.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t cal_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static const char *row_name(const kerf_measurement *m, char *buffer, size_t size)
{
    if (m->name[0])
        snprintf(buffer, size, "%s", m->name);
    else
        snprintf(buffer, size, "row %zu", m->line);
    return buffer;
}

/* A network that was loaded, with its pricer. */
typedef struct loaded {
    char *key; /* table, name and batch */
    kerf_network *network;
    kerf_pricer *pricer;
} loaded;

typedef struct row_builder {
    const kerf_calibrate_options *options;
    loaded *networks;
    size_t n_networks, capacity;
    kerf_error *err;
} row_builder;

static kerf_status no_memory(kerf_error *err)
{
    return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
}

static kerf_status load_beside(const kerf_measurement *m, const char *table, kerf_network **network,
                               kerf_error *err)
{
    const kerf_network_options options = {.batch = m->batch};
    char *path = kerf_path_beside(table, m->network);
    kerf_status status = path ? kerf_network_load(path, &options, network, err) : no_memory(err);
    free(path);
    return status;
}

static kerf_status price_network(loaded *entry, const char *key, kerf_error *err)
{
    static const kerf_power_mode nothing = {.kernel_quantum = 1};
    entry->key = kerf_strdup(key);
    if (!entry->key)
        return no_memory(err);
    return kerf_pricer_create(entry->network, &nothing, NULL, &entry->pricer, err);
}

static kerf_status find_network(row_builder *b, const kerf_measurement *m, const char *table,
                                const loaded **found)
{
    char key[4096];
    snprintf(key, sizeof key, "%lld %s %s", (long long)m->batch, m->network, table);
    for (size_t i = 0; i < b->n_networks; i++) {
        if (strcmp(b->networks[i].key, key) == 0) {
            *found = &b->networks[i];
            return KERF_OK;
        }
    }
    if (kerf_reserve(&b->networks, &b->capacity, b->n_networks + 1, 100000, sizeof *b->networks))
        return no_memory(b->err);
    loaded *entry = &b->networks[b->n_networks];
    *entry = (loaded){0};
    kerf_status status =
        b->options->load ? b->options->load(b->options->context, m, table, &entry->network, b->err)
                         : load_beside(m, table, &entry->network, b->err);
    if (status != KERF_OK)
        return status;
    b->n_networks++;
    *found = entry;
    return price_network(entry, key, b->err);
}

static void builder_clear(row_builder *b)
{
    for (size_t i = 0; i < b->n_networks; i++) {
        free(b->networks[i].key);
        kerf_pricer_destroy(&b->networks[i].pricer);
        kerf_network_destroy(&b->networks[i].network);
    }
    free(b->networks);
}

static bool add_kernel(cal_row *row, size_t *capacity, const kerf_work *work, double count)
{
    cal_kernel *last = row->n_kernels ? &row->kernels[row->n_kernels - 1] : NULL;
    if (work->empty)
        return true;
    if (last && kerf_work_compare(&last->work, work) == 0) {
        last->count += count;
        return true;
    }
    if (kerf_reserve(&row->kernels, capacity, row->n_kernels + 1, SIZE_MAX / sizeof *row->kernels,
                     sizeof *row->kernels) != 0)
        return false;
    row->kernels[row->n_kernels++] = (cal_kernel){*work, count};
    return true;
}

/* Positions of a group that are asked for, in runs of neighbours: a kernel each. */
static bool add_group(const loaded *net, size_t g, const bool *wanted, cal_row *row,
                      size_t *capacity)
{
    const kerf_group *group = &net->network->groups[g];
    for (size_t first = 0; first < group->n_operators;) {
        size_t last = first;
        while (last < group->n_operators && (!wanted || wanted[group->operators[last]]))
            last++;
        if (last > first) {
            const kerf_work work = kerf_pricer_work(net->pricer, g, first, last, 1);
            if (!add_kernel(row, capacity, &work, 1))
                return false;
        }
        first = last + 1;
    }
    return true;
}

static kerf_status mark_operators(const kerf_network *network, const kerf_measurement *m,
                                  bool *wanted, kerf_error *err)
{
    char name[256];
    for (size_t i = 0; i < m->n_operators; i++) {
        size_t found = kerf_network_find_operator(network, m->operators[i]);
        if (found == KERF_NONE)
            return kerf_fail(err, KERF_E_INVALID, row_name(m, name, sizeof name),
                             "network %s has no operator \"%.100s\", expected operators of its own",
                             m->network, m->operators[i]);
        wanted[found] = true;
    }
    return KERF_OK;
}

static kerf_status run_network(row_builder *b, const kerf_measurement *m, const char *table,
                               cal_row *row)
{
    const loaded *net = NULL;
    bool *wanted = NULL;
    size_t capacity = 0;
    kerf_status status = find_network(b, m, table, &net);
    if (status != KERF_OK)
        return status;
    if (m->n_operators > 0) {
        wanted = kerf_calloc(net->network->n_operators, sizeof *wanted);
        status = wanted ? mark_operators(net->network, m, wanted, b->err) : no_memory(b->err);
    }
    for (size_t g = 0; g < net->network->n_groups && status == KERF_OK; g++)
        if (!add_group(net, g, wanted, row, &capacity))
            status = no_memory(b->err);
    free(wanted);
    return status;
}

static kerf_status run_layers(row_builder *b, const kerf_measurement *m, cal_row *row)
{
    size_t capacity = 0;
    for (size_t i = 0; i < m->n_layers; i++) {
        const kerf_work work = kerf_work_of_layer(&m->layers[i], 1);
        if (!add_kernel(row, &capacity, &work, m->layers[i].count))
            return no_memory(b->err);
    }
    return KERF_OK;
}

static kerf_status build_row(row_builder *b, const kerf_measurement *m, const char *table,
                             cal_row *row)
{
    char name[256];
    row->measurement = m;
    row->table = table;
    row->calls = m->calls;
    kerf_status status = m->n_layers > 0 ? run_layers(b, m, row) : run_network(b, m, table, row);
    if (status == KERF_OK && row->n_kernels == 0 && row->calls == 0)
        status = kerf_fail(b->err, KERF_E_INVALID, row_name(m, name, sizeof name),
                           "runs nothing that costs anything, expected a kernel or a call");
    return status;
}

static bool matches(const char *wanted, const char *is)
{
    return !wanted || is[0] == '\0' || strcmp(wanted, is) == 0;
}

/* Rows of one board and power mode only. */
static kerf_status check_same(const char *what, const char *option, const char *a, const char *b,
                              kerf_error *err)
{
    if (a[0] == '\0' || b[0] == '\0' || strcmp(a, b) == 0)
        return KERF_OK;
    return kerf_fail(err, KERF_E_INVALID, NULL,
                     "the rows are of several %s, such as %.60s and %.60s; choose one (%s)", what,
                     a, b, option);
}

static kerf_status add_measurement(row_builder *b, const kerf_measurement *m, const char *table,
                                   cal_rows *rows)
{
    if (!matches(b->options->board, m->board) || !matches(b->options->power_mode, m->power_mode))
        return KERF_OK;
    kerf_status status = KERF_OK;
    for (size_t i = 0; i < rows->n && status == KERF_OK; i++) {
        const kerf_measurement *first = rows->rows[i].measurement;
        status = check_same("boards", "--board", first->board, m->board, b->err);
        if (status == KERF_OK)
            status =
                check_same("power modes", "--power-mode", first->power_mode, m->power_mode, b->err);
        if (first->board[0] && first->power_mode[0])
            break;
    }
    if (status != KERF_OK)
        return status;
    return build_row(b, m, table, &rows->rows[rows->n++]);
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

/* A group that is not stated is a group of its own. */
static const char *group_of(const kerf_measurement *m)
{
    return m->group[0] ? m->group : m->name;
}

/* Numbers the groups in the order of their names. */
static kerf_status number_groups(cal_rows *rows, kerf_error *err)
{
    const char **names = kerf_calloc(rows->n, sizeof *names);
    rows->groups = kerf_calloc(rows->n, sizeof *rows->groups);
    if (!names || !rows->groups) {
        free(names);
        return no_memory(err);
    }
    for (size_t i = 0; i < rows->n; i++)
        names[i] = group_of(rows->rows[i].measurement);
    qsort(names, rows->n, sizeof *names, by_text);
    size_t unnamed = 0;
    for (size_t i = 0; i < rows->n; i++) {
        if (names[i][0] == '\0')
            unnamed++;
        if (names[i][0] == '\0' || i == 0 || strcmp(names[i], names[i - 1]) != 0)
            rows->groups[rows->n_groups++] = names[i];
    }
    size_t next_unnamed = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const char *name = group_of(rows->rows[i].measurement);
        if (name[0] == '\0') {
            rows->rows[i].group = next_unnamed++;
            continue;
        }
        const char **hit = bsearch(&name, rows->groups + unnamed, rows->n_groups - unnamed,
                                   sizeof *rows->groups, by_text);
        rows->rows[i].group = hit ? (size_t)(hit - rows->groups) : 0;
    }
    free(names);
    return KERF_OK;
}

kerf_status cal_rows_create(const kerf_measurements *const *tables, size_t n_tables,
                            const kerf_calibrate_options *options, cal_rows *rows, kerf_error *err)
{
    row_builder b = {.options = options, .err = err};
    kerf_status status = KERF_OK;
    size_t n = 0;
    for (size_t t = 0; t < n_tables; t++)
        n += tables[t]->n;
    if (n > CAL_MAX_ROWS)
        return kerf_fail(err, KERF_E_TOO_LARGE, NULL, "%zu rows, expected at most %d", n,
                         CAL_MAX_ROWS);
    rows->rows = kerf_calloc(n, sizeof *rows->rows);
    if (!rows->rows)
        return no_memory(err);
    for (size_t t = 0; t < n_tables && status == KERF_OK; t++) {
        for (size_t i = 0; i < tables[t]->n && status == KERF_OK; i++)
            status = add_measurement(&b, &tables[t]->rows[i], tables[t]->path, rows);
        if (status != KERF_OK)
            kerf_error_source(err, tables[t]->path);
    }
    builder_clear(&b);
    if (status == KERF_OK && rows->n == 0)
        status = kerf_fail(err, KERF_E_INVALID, NULL,
                           "no row is of board %s, power mode %s; expected some",
                           options->board ? options->board : "(any)",
                           options->power_mode ? options->power_mode : "(any)");
    return status == KERF_OK ? number_groups(rows, err) : status;
}

void cal_rows_clear(cal_rows *rows)
{
    for (size_t i = 0; rows->rows && i < rows->n; i++)
        free(rows->rows[i].kernels);
    free(rows->rows);
    free(rows->groups);
    *rows = (cal_rows){0};
}

kerf_status cal_rows_fold(cal_rows *rows, size_t folds, uint64_t seed, kerf_error *err)
{
    size_t *order = kerf_calloc(rows->n_groups, sizeof *order);
    if (!order)
        return no_memory(err);
    rows->n_folds = folds == 0 || folds > rows->n_groups ? rows->n_groups : folds;
    if (rows->n_folds == 0)
        rows->n_folds = 1; /* no rows */
    for (size_t g = 0; g < rows->n_groups; g++)
        order[g] = g;
    uint64_t state = seed;
    for (size_t g = rows->n_groups; g > 1 && rows->n_folds < rows->n_groups; g--) {
        const size_t other = (size_t)(cal_random(&state) % g), kept = order[g - 1];
        order[g - 1] = order[other];
        order[other] = kept;
    }
    /* order[g] is now a position; positions are dealt round. */
    for (size_t i = 0; i < rows->n; i++)
        rows->rows[i].fold = order[rows->rows[i].group] % rows->n_folds;
    free(order);
    return KERF_OK;
}
