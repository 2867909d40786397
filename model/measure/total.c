/* What adds up to the power of a board. */
#include "model/measure/rails.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define MOST_RAILS 8

/* Boards without a rail for the supply of the whole module. AGX Xavier: the six rails of NVIDIA's
 * developer guide, which share no current. AGX Orin: its VDDQ_VDD2_1V8AO is fed from VIN_SYS_5V0,
 * as far as is known, and would count twice. */
static const struct {
    const char *model; /* part of the device tree's model */
    const char *rails[MOST_RAILS];
} sums[] = {
    {"AGX Xavier", {"GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"}},
    {"AGX Orin", {"VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"}},
};

static const char *const supplies[] = {"VDD_IN", "POM_5V_IN", "5V_IN"};

static kerf_rail *find(kerf_rails *rails, const char *name)
{
    for (size_t i = 0; i < rails->n; i++)
        if (strcmp(rails->list[i].name, name) == 0)
            return &rails->list[i];
    return NULL;
}

static void list_names(const kerf_rails *rails, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < rails->n && used < size; i++) {
        const int n =
            snprintf(text + used, size - used, "%s%s", i ? ", " : "", rails->list[i].name);
        used += n > 0 ? (size_t)n : 0;
    }
}

static kerf_status choose(kerf_rails *rails, const char *const *names, size_t n, kerf_error *err)
{
    for (size_t i = 0; i < n; i++) {
        kerf_rail *rail = find(rails, names[i]);
        if (!rail) {
            char known[384];
            list_names(rails, known, sizeof known);
            return kerf_fail(err, KERF_E_INVALID, names[i],
                             "is no rail of this board, expected some of: %s", known);
        }
        if (rail->in_total)
            return kerf_fail(err, KERF_E_INVALID, names[i],
                             "is named twice, expected each rail once in the total");
        rail->in_total = true;
    }
    return KERF_OK;
}

kerf_status kerf_rails_choose(kerf_rails *rails, const char *const *names, size_t n,
                              kerf_error *err)
{
    kerf_error_clear(err);
    if (n > 0)
        return choose(rails, names, n, err);
    for (size_t i = 0; i < sizeof supplies / sizeof *supplies; i++) {
        kerf_rail *rail = find(rails, supplies[i]);
        if (rail) {
            rail->in_total = true;
            return KERF_OK;
        }
    }
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        size_t named = 0;
        while (named < MOST_RAILS && sums[i].rails[named])
            named++;
        bool all = true;
        for (size_t r = 0; r < named; r++)
            all = all && find(rails, sums[i].rails[r]);
        if (all && (strstr(rails->board, sums[i].model) || !*rails->board))
            return choose(rails, sums[i].rails, named, err);
    }
    char known[384];
    list_names(rails, known, sizeof known);
    return kerf_fail(err, KERF_E_INVALID, *rails->board ? rails->board : "board",
                     "has rails of which it is not known what adds up to the whole, expected a "
                     "choice of: %s",
                     known);
}

bool rails_is_absurd_W(double power_W)
{
    return !(power_W >= -2 && power_W <= 200);
}
