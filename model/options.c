/* Fixing the shapes of network inputs: whole shapes by --input, symbolic dimensions by --dim, open
 * first dimensions by --batch.
 *
 * A symbol has one size throughout: what --dim says, else what a whole shape gives it, else, where
 * it is some input's open first dimension, the batch. What is then still open stays unknown.
 */
#include "model/ir.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LISTED 12 /* names in an error message */

typedef struct symbol {
    const char *name; /* borrowed from a value */
    int64_t size;     /* IR_DIM_UNKNOWN: open */
} symbol;

typedef struct fixer {
    ir_graph *graph;
    const kerf_network_options *options;
    kerf_error *err;
    symbol *symbols; /* sorted by name */
    size_t n_symbols;
} fixer;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const symbol *)a)->name, ((const symbol *)b)->name);
}

static const char *dim_name(const ir_value *value, int i)
{
    return value->dim_names && i < value->declared_rank ? value->dim_names[i] : NULL;
}

static symbol *find_symbol(const fixer *f, const char *name)
{
    symbol key = {.name = name};
    if (!name || !f->n_symbols)
        return NULL;
    return bsearch(&key, f->symbols, f->n_symbols, sizeof key, by_name);
}

/* All symbols of the inputs, each once; every input's declared shape becomes its shape. */
static bool collect_symbols(fixer *f)
{
    const ir_graph *graph = f->graph;
    size_t n = 0;
    f->symbols = kerf_calloc(graph->n_inputs, IR_MAX_RANK * sizeof *f->symbols);
    if (!f->symbols)
        return false;
    for (size_t i = 0; i < graph->n_inputs; i++) {
        ir_value *value = &graph->values[graph->inputs[i]];
        value->type = value->declared_type;
        value->rank = value->declared_rank;
        for (int j = 0; j < value->rank; j++) {
            value->dims[j] = value->declared_dims[j];
            if (value->dims[j] == IR_DIM_UNKNOWN && dim_name(value, j))
                f->symbols[n++] = (symbol){dim_name(value, j), IR_DIM_UNKNOWN};
        }
    }
    qsort(f->symbols, n, sizeof *f->symbols, by_name);
    for (size_t i = 0; i < n; i++)
        if (!f->n_symbols || strcmp(f->symbols[f->n_symbols - 1].name, f->symbols[i].name) != 0)
            f->symbols[f->n_symbols++] = f->symbols[i];
    return true;
}

/* Appends ", name" to a list in a message, "..." after enough of them. */
static void list_name(char *text, size_t size, size_t *listed, const char *name)
{
    size_t used = strlen(text);
    if ((*listed)++ < MAX_LISTED)
        snprintf(text + used, size - used, "%s%.60s", used ? ", " : "", name);
    else if (*listed == MAX_LISTED + 1)
        snprintf(text + used, size - used, ", ...");
}

static kerf_status unknown_dim(const fixer *f, const char *name)
{
    char known[512] = "";
    size_t listed = 0;
    for (size_t i = 0; i < f->n_symbols; i++)
        list_name(known, sizeof known, &listed, f->symbols[i].name);
    if (!listed)
        return kerf_fail(f->err, KERF_E_INVALID, NULL,
                         "has no symbolic dimension '%.100s'; it has none at all", name);
    return kerf_fail(f->err, KERF_E_INVALID, NULL,
                     "has no symbolic dimension '%.100s', expected one of: %s", name, known);
}

static kerf_status unknown_input(const fixer *f, const char *name)
{
    char known[512] = "";
    size_t listed = 0;
    for (size_t i = 0; i < f->graph->n_inputs; i++)
        list_name(known, sizeof known, &listed, f->graph->values[f->graph->inputs[i]].name);
    return kerf_fail(f->err, KERF_E_INVALID, NULL, "has no input '%.100s', expected one of: %s",
                     name, listed ? known : "(it has no inputs)");
}

static kerf_status fix_dims(fixer *f)
{
    for (size_t i = 0; i < f->options->n_dims; i++) {
        const struct kerf_dim *dim = &f->options->dims[i];
        symbol *found = find_symbol(f, dim->name);
        if (!found)
            return unknown_dim(f, dim->name);
        if (dim->size < 0)
            return kerf_fail(f->err, KERF_E_INVALID, NULL,
                             "dimension '%.100s' is to be %lld, expected 0 or more", dim->name,
                             (long long)dim->size);
        found->size = dim->size;
    }
    return KERF_OK;
}

static ir_value *find_input(const fixer *f, const char *name)
{
    for (size_t i = 0; i < f->graph->n_inputs; i++)
        if (strcmp(f->graph->values[f->graph->inputs[i]].name, name) == 0)
            return &f->graph->values[f->graph->inputs[i]];
    return NULL;
}

static kerf_status fix_shape(fixer *f, ir_value *value, const struct kerf_input_shape *shape)
{
    if (shape->rank > IR_MAX_RANK)
        return kerf_fail(f->err, KERF_E_TOO_LARGE, value->name,
                         "is to have %zu dimensions, expected at most %d", shape->rank,
                         IR_MAX_RANK);
    for (size_t i = 0; i < shape->rank; i++)
        if (shape->dims[i] < 0)
            return kerf_fail(f->err, KERF_E_INVALID, value->name,
                             "is to have the dimension %lld, expected 0 or more",
                             (long long)shape->dims[i]);
    if (value->declared_rank >= 0 && (size_t)value->declared_rank != shape->rank &&
        !ir_warn(f->graph, "input '%.200s' is given %zu dimensions, the file states %d",
                 value->name, shape->rank, value->declared_rank))
        return kerf_fail(f->err, KERF_E_NOMEM, NULL, "out of memory");
    value->rank = (int)shape->rank;
    for (int i = 0; i < value->rank; i++) {
        symbol *found =
            find_symbol(f, value->declared_rank == value->rank ? dim_name(value, i) : NULL);
        value->dims[i] = shape->dims[i];
        if (found && found->size == IR_DIM_UNKNOWN)
            found->size = value->dims[i];
    }
    return KERF_OK;
}

static kerf_status fix_shapes(fixer *f)
{
    for (size_t i = 0; i < f->options->n_inputs; i++) {
        const struct kerf_input_shape *shape = &f->options->inputs[i];
        ir_value *value = find_input(f, shape->tensor);
        kerf_status status = value ? fix_shape(f, value, shape) : unknown_input(f, shape->tensor);
        if (status != KERF_OK)
            return status;
    }
    return KERF_OK;
}

/* An open first dimension is the batch, unless its symbol has a size already. */
static bool fix_batch(fixer *f, int64_t batch)
{
    bool fixed = f->graph->n_inputs == 0;
    for (size_t i = 0; i < f->graph->n_inputs; i++) {
        ir_value *value = &f->graph->values[f->graph->inputs[i]];
        if (value->rank < 1)
            continue;
        symbol *found =
            value->dims[0] == IR_DIM_UNKNOWN ? find_symbol(f, dim_name(value, 0)) : NULL;
        if (found && found->size == IR_DIM_UNKNOWN)
            found->size = batch;
        else if (!found && value->dims[0] == IR_DIM_UNKNOWN)
            value->dims[0] = batch;
        fixed = fixed || value->dims[0] == batch || (found && found->size == batch);
    }
    return fixed;
}

static kerf_status no_batch(const fixer *f)
{
    const ir_value *value = &f->graph->values[f->graph->inputs[0]];
    char shape[256] = "";
    for (int i = 0; i < value->rank; i++) {
        size_t used = strlen(shape);
        if (value->dims[i] == IR_DIM_UNKNOWN)
            snprintf(shape + used, sizeof shape - used, "%s?", i ? "x" : "");
        else
            snprintf(shape + used, sizeof shape - used, "%s%lld", i ? "x" : "",
                     (long long)value->dims[i]);
    }
    return kerf_fail(f->err, KERF_E_INVALID, value->name,
                     "is %s, whose first dimension is fixed: a batch of %lld has no effect; give "
                     "--input %.100s=... to replace the shape",
                     value->rank > 0 ? shape : "no batched tensor", (long long)f->options->batch,
                     value->name);
}

static void apply_symbols(const fixer *f)
{
    for (size_t i = 0; i < f->graph->n_inputs; i++) {
        ir_value *value = &f->graph->values[f->graph->inputs[i]];
        for (int j = 0; j < value->rank; j++) {
            const symbol *found =
                value->dims[j] == IR_DIM_UNKNOWN ? find_symbol(f, dim_name(value, j)) : NULL;
            if (found)
                value->dims[j] = found->size;
        }
    }
}

kerf_status ir_apply_options(ir_graph *graph, const kerf_network_options *options, kerf_error *err)
{
    static const kerf_network_options defaults;
    fixer f = {.graph = graph, .options = options ? options : &defaults, .err = err};
    kerf_status status = KERF_OK;
    if (f.options->batch < 0)
        return kerf_fail(err, KERF_E_INVALID, NULL, "the batch is %lld, expected 1 or more",
                         (long long)f.options->batch);
    if (!collect_symbols(&f)) {
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
        goto out;
    }
    status = fix_dims(&f);
    if (status == KERF_OK)
        status = fix_shapes(&f);
    if (status != KERF_OK)
        goto out;
    if (!fix_batch(&f, f.options->batch ? f.options->batch : 1) && f.options->batch)
        status = no_batch(&f);
    else
        apply_symbols(&f);
out:
    free(f.symbols);
    return status;
}
