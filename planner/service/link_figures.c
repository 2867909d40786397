#include "planner/service/link_figures.h"

#include <math.h>
#include <stddef.h>

static const size_t offsets[LINK_FIGURES - 1] = {
    offsetof(kerf_link, rate_bps[KERF_UPLINK]),
    offsetof(kerf_link, rate_bps[KERF_DOWNLINK]),
    offsetof(kerf_link, rtt_s),
    offsetof(kerf_link, loss),
    offsetof(kerf_link, mss_bytes),
    offsetof(kerf_link, initial_window_bytes),
    offsetof(kerf_link, overhead),
    offsetof(kerf_link, message_bytes),
    offsetof(kerf_link, active_W_per_bps[KERF_UPLINK]),
    offsetof(kerf_link, active_W_per_bps[KERF_DOWNLINK]),
    offsetof(kerf_link, active_W[KERF_UPLINK]),
    offsetof(kerf_link, active_W[KERF_DOWNLINK]),
    offsetof(kerf_link, idle_W),
    offsetof(kerf_link, promotion_s),
    offsetof(kerf_link, promotion_W),
    offsetof(kerf_link, switch_s),
    offsetof(kerf_link, switch_W),
    offsetof(kerf_link, tail_s),
    offsetof(kerf_link, tail_W),
    offsetof(kerf_link, gap_s),
};

static const double *figure_of(const kerf_link *link, size_t i)
{
    return (const double *)(const void *)((const char *)link + offsets[i]);
}

void link_figures(const kerf_link *link, double figures[LINK_FIGURES])
{
    for (size_t i = 0; i < LINK_FIGURES - 1; i++)
        figures[i] = *figure_of(link, i);
    figures[LINK_FIGURES - 1] = (double)link->connection;
}

void link_unstated(kerf_link *link)
{
    *link = (kerf_link){0};
    for (size_t i = 0; i < LINK_FIGURES - 1; i++)
        *(double *)(void *)((char *)link + offsets[i]) = NAN;
    link->connection = (kerf_connection)-1;
}

void link_put_over(const kerf_link *over, kerf_link *link)
{
    for (size_t i = 0; i < LINK_FIGURES - 1; i++)
        if (!isnan(*figure_of(over, i)))
            *(double *)(void *)((char *)link + offsets[i]) = *figure_of(over, i);
    if ((int)over->connection >= 0)
        link->connection = over->connection;
}
