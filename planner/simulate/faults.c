#include "planner/simulate/faults.h"

static void set(const sim_faults *faults, uint64_t key, uint64_t who, double after, sim_down *down)
{
    const uint32_t k = down->count;
    down->from = down->to = INFINITY;
    if (k < faults->n) {
        down->from = faults->listed[k][0];
        down->to = faults->listed[k][1];
    } else if (faults->mtbf_s > 0) {
        down->from =
            after + faults->mtbf_s * sim_exponential(key, who, SIM_STREAM_FAULT, 2 * (uint64_t)k);
        down->to = down->from + faults->mttr_s * sim_exponential(key, who, SIM_STREAM_FAULT,
                                                                 2 * (uint64_t)k + 1);
        if (!(down->to > down->from)) /* a repair too short for the clock */
            down->to = nextafter(down->from, INFINITY);
    }
}

void sim_down_begin(const sim_faults *faults, uint64_t key, uint64_t who, sim_down *down)
{
    down->count = 0;
    set(faults, key, who, 0, down);
}

void sim_down_step(const sim_faults *faults, uint64_t key, uint64_t who, sim_down *down)
{
    const double after = down->to;
    down->count++;
    set(faults, key, who, after, down);
}
