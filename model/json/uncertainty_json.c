/* How far the coefficients of a mode may be off:
 *
 *     "uncertainty": {"coefficients": [{"name": "latency/per_mac/conv", "relative": 0.12}, ...],
 *                     "correlation": [[0.1], [0.2, -0.3], ...],
 *                     "latency_residual": 0.15, "energy_residual": 0.1}
 *
 * Row i of the correlation is that of coefficient i + 1 with those before it. The name of another
 * mode, which stands earlier in the file, says "as there". */
#include "base/memory.h"
#include "model/cost/coefficients.h"
#include "model/json/mode_json.h"

#include <stdlib.h>
#include <string.h>

#define MAX_COEFFICIENTS 128
#define MAX_RELATIVE     100

static bool no_memory(const kerf_json *at)
{
    return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
}

static bool read_coefficient(const kerf_json *at, kerf_uncertainty *u)
{
    const char *name = NULL;
    kerf_json member;
    kerf_coefficient found;
    struct kerf_uncertain *coefficient = &u->coefficients[u->n];
    if (!kerf_json_as_object(at) || !kerf_json_string(at, "name", KERF_REQUIRED, &name) ||
        !kerf_json_member(at, "name", KERF_REQUIRED, &member))
        return false;
    if (!kerf_coefficient_find(name, &found))
        return kerf_json_fail(&member, KERF_E_INVALID,
                              "\"%.100s\" is no coefficient, expected one such as "
                              "\"latency/per_mac/conv\" or \"energy/launch\"",
                              name);
    for (size_t i = 0; i < u->n; i++)
        if (strcmp(u->coefficients[i].name, name) == 0)
            return kerf_json_fail(&member, KERF_E_INVALID, "\"%.100s\" is listed twice", name);
    if (!kerf_json_number(at, "relative", KERF_REQUIRED, 0, MAX_RELATIVE, &coefficient->relative))
        return false;
    coefficient->name = kerf_strdup(name);
    if (!coefficient->name)
        return no_memory(at);
    u->n++;
    return kerf_json_done(at);
}

static bool read_coefficients(const kerf_json *object, kerf_uncertainty *u)
{
    kerf_json array;
    size_t n = 0;
    if (!kerf_json_array(object, "coefficients", KERF_REQUIRED, &array, &n))
        return false;
    if (n == 0 || n > MAX_COEFFICIENTS)
        return kerf_json_fail(&array, KERF_E_INVALID, "lists %zu coefficients, expected 1 to %d", n,
                              MAX_COEFFICIENTS);
    u->coefficients = kerf_calloc(n, sizeof *u->coefficients);
    if (!u->coefficients)
        return no_memory(&array);
    for (size_t i = 0; i < n; i++) {
        kerf_json element = kerf_json_at(&array, i);
        if (!read_coefficient(&element, u))
            return false;
    }
    return true;
}

static bool read_row(const kerf_json *row, size_t i, kerf_uncertainty *u)
{
    size_t n = 0;
    if (!kerf_json_as_array(row, &n))
        return false;
    if (n != i)
        return kerf_json_fail(row, KERF_E_INVALID,
                              "holds %zu numbers, expected %zu: one for each coefficient before", n,
                              i);
    for (size_t j = 0; j < i; j++) {
        kerf_json element = kerf_json_at(row, j);
        double value = 0;
        if (!kerf_json_as_number(&element, -1, 1, &value))
            return false;
        u->correlation[i * u->n + j] = u->correlation[j * u->n + i] = value;
    }
    return true;
}

static bool read_correlation(const kerf_json *object, kerf_uncertainty *u)
{
    kerf_json array;
    size_t rows = 0;
    u->correlation = kerf_calloc(u->n * u->n, sizeof *u->correlation);
    if (!u->correlation)
        return no_memory(object);
    for (size_t i = 0; i < u->n; i++)
        u->correlation[i * u->n + i] = 1;
    if (!kerf_json_array(object, "correlation", KERF_OPTIONAL, &array, &rows))
        return !kerf_json_failed(object->doc);
    if (rows != u->n - 1)
        return kerf_json_fail(&array, KERF_E_INVALID,
                              "has %zu rows, expected %zu: one less than coefficients", rows,
                              u->n - 1);
    for (size_t i = 1; i < u->n; i++) {
        kerf_json row = kerf_json_at(&array, i - 1);
        if (!read_row(&row, i, u))
            return false;
    }
    return true;
}

bool kerf_uncertainty_read(const kerf_json *mode_json, const kerf_power_mode *modes, size_t n_modes,
                           kerf_uncertainty *u)
{
    kerf_json at;
    kerf_error problem = {0};
    if (!kerf_json_member(mode_json, "uncertainty", KERF_OPTIONAL, &at))
        return !kerf_json_failed(mode_json->doc);
    if (json_is_string(at.value)) {
        const char *name = json_string_value(at.value);
        for (size_t i = 0; i < n_modes; i++)
            if (strcmp(modes[i].name, name) == 0 && modes[i].uncertainty.n > 0)
                return kerf_uncertainty_copy(&modes[i].uncertainty, u, &problem) == KERF_OK ||
                       no_memory(&at);
        return kerf_json_fail(&at, KERF_E_INVALID,
                              "\"%.63s\" is no mode before this one that has an uncertainty", name);
    }
    if (!kerf_json_as_object(&at) || !read_coefficients(&at, u) || !read_correlation(&at, u))
        return false;
    kerf_json_number(&at, "latency_residual", KERF_OPTIONAL, 0, MAX_RELATIVE, &u->latency_residual);
    kerf_json_number(&at, "energy_residual", KERF_OPTIONAL, 0, MAX_RELATIVE, &u->energy_residual);
    if (!kerf_json_done(&at))
        return false;
    return kerf_uncertainty_factor(u, &problem) == KERF_OK || no_memory(&at);
}
