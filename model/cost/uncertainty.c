/* How far a mode's coefficients may be off, and modes drawn from that. */
#include "base/error.h"
#include "base/memory.h"
#include "model/cost/coefficients.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

kerf_status kerf_uncertainty_factor(kerf_uncertainty *u, kerf_error *err)
{
    const size_t n = u->n;
    double *l = kerf_calloc(n * n, sizeof *l);
    if (!l)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t j = 0; j < n; j++) {
        double pivot = u->correlation[j * n + j];
        for (size_t k = 0; k < j; k++)
            pivot -= l[j * n + k] * l[j * n + k];
        /* Correlations are written with few digits: what is left of a pivot may be below 0. */
        l[j * n + j] = pivot > 1e-6 ? sqrt(pivot) : 0;
        for (size_t i = j + 1; i < n && l[j * n + j] > 0; i++) {
            double sum = u->correlation[i * n + j];
            for (size_t k = 0; k < j; k++)
                sum -= l[i * n + k] * l[j * n + k];
            l[i * n + j] = sum / l[j * n + j];
        }
    }
    for (size_t i = 0; i < n; i++) {
        /* Rows keep their length where a pivot was cut. */
        double length = 0;
        for (size_t k = 0; k <= i; k++)
            length += l[i * n + k] * l[i * n + k];
        const double scale = length > 0 ? u->coefficients[i].relative / sqrt(length) : 0;
        for (size_t k = 0; k <= i; k++)
            l[i * n + k] *= scale;
    }
    free(u->factor);
    u->factor = l;
    return KERF_OK;
}

void kerf_uncertainty_clear(kerf_uncertainty *u)
{
    for (size_t i = 0; i < u->n; i++)
        free(u->coefficients[i].name);
    free(u->coefficients);
    free(u->correlation);
    free(u->factor);
    *u = (kerf_uncertainty){0};
}

static double *copy_table(const double *from, size_t n)
{
    double *to = kerf_calloc(n * n, sizeof *to);
    if (to)
        memcpy(to, from, n * n * sizeof *to);
    return to;
}

kerf_status kerf_uncertainty_copy(const kerf_uncertainty *from, kerf_uncertainty *to,
                                  kerf_error *err)
{
    kerf_uncertainty copy = {.latency_residual = from->latency_residual,
                             .energy_residual = from->energy_residual};
    bool good = true;
    copy.coefficients = kerf_calloc(from->n, sizeof *copy.coefficients);
    copy.correlation = copy_table(from->correlation, from->n);
    copy.factor = copy_table(from->factor, from->n);
    good = copy.coefficients && copy.correlation && copy.factor;
    for (size_t i = 0; i < from->n && good; i++) {
        copy.coefficients[i] = from->coefficients[i];
        copy.coefficients[i].name = kerf_strdup(from->coefficients[i].name);
        good = copy.coefficients[i].name != NULL;
        copy.n = i + 1;
    }
    if (!good) {
        kerf_uncertainty_clear(&copy);
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    }
    *to = copy;
    return KERF_OK;
}

kerf_power_mode kerf_power_mode_draw(const kerf_power_mode *mode, const double *normal)
{
    kerf_power_mode drawn = *mode;
    const kerf_uncertainty *u = &mode->uncertainty;
    for (size_t i = 0; i < u->n; i++) {
        double change = 0;
        kerf_coefficient target;
        for (size_t k = 0; k <= i; k++)
            change += u->factor[i * u->n + k] * normal[k];
        const double factor = change > -1 ? 1 + change : 0;
        if (!kerf_coefficient_find(u->coefficients[i].name, &target))
            continue; /* as a mode made by hand may have */
        for (size_t k = 0; k < target.n; k++)
            kerf_coefficient_set(&drawn, target.offsets[k],
                                 kerf_coefficient_get(mode, target.offsets[k]) * factor);
    }
    if (mode->energy_form == KERF_ENERGY_POWER)
        drawn.partition_J = drawn.active_W * drawn.partition_s;
    return drawn;
}
