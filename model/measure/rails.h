/* What the parts of measuring share. */
#ifndef KERF_MODEL_MEASURE_RAILS_H
#define KERF_MODEL_MEASURE_RAILS_H

#include "kerf/measure.h"

/* A new rail at the end of the list, all NULL; NULL without memory. */
kerf_rail *rails_append(kerf_rails *rails);

/* Power that no board draws, or none that is measured right. */
bool rails_is_absurd_W(double power_W);

#endif
