/* All figures of a link in one array, to compare links and to put some over others. */
#ifndef KERF_SERVICE_LINK_FIGURES_H
#define KERF_SERVICE_LINK_FIGURES_H

#include "kerf/link.h"

/* The first three are what changes from minute to minute: rates up and down, and the RTT. */
enum { LINK_FIGURES = 21, LINK_CHANGING = 3 };

/* Every figure of the link, its connection state (or -1) the last. */
void link_figures(const kerf_link *link, double figures[LINK_FIGURES]);

/* A link of which nothing is stated: NAN everywhere, and connection -1. */
void link_unstated(kerf_link *link);

/* Puts what is stated in `over` over the link's own figures. Names are left alone. */
void link_put_over(const kerf_link *over, kerf_link *link);

#endif
