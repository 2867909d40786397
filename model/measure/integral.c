/* Power integrated over time, and repeated runs summarised. */
#include "kerf/measure.h"

#include "base/student.h"

#include <math.h>

void kerf_integral_add(kerf_integral *i, double time_s, double power_W)
{
    if (i->samples == 0) {
        *i = (kerf_integral){.samples = 1,
                             .first_s = time_s,
                             .first_W = power_W,
                             .last_s = time_s,
                             .last_W = power_W,
                             .coarse_s = time_s,
                             .coarse_W = power_W,
                             .least_W = power_W,
                             .most_W = power_W};
        return;
    }
    const double step_s = time_s - i->last_s;
    if (!(step_s > 0))
        return;
    i->energy_J += 0.5 * (i->last_W + power_W) * step_s;
    i->longest_s = fmax(i->longest_s, step_s);
    i->least_W = fmin(i->least_W, power_W);
    i->most_W = fmax(i->most_W, power_W);
    i->last_s = time_s;
    i->last_W = power_W;
    i->samples++;
    if (i->samples % 2 == 1) {
        i->coarse_J += 0.5 * (i->coarse_W + power_W) * (time_s - i->coarse_s);
        i->coarse_s = time_s;
        i->coarse_W = power_W;
        i->fine_J = i->energy_J;
    }
}

void kerf_integral_end(const kerf_integral *i, double start_s, double end_s, kerf_energy *energy)
{
    const double duration_s = end_s - start_s;
    *energy = (kerf_energy){.duration_s = duration_s,
                            .samples = i->samples,
                            .energy_J = NAN,
                            .average_W = NAN,
                            .least_W = NAN,
                            .most_W = NAN,
                            .period_s = NAN,
                            .longest_s = NAN,
                            .error_J = NAN};
    if (i->samples < 2)
        return;
    const double before_s = fmax(i->first_s - start_s, 0), after_s = fmax(end_s - i->last_s, 0);
    energy->energy_J = i->energy_J + before_s * i->first_W + after_s * i->last_W;
    energy->average_W = energy->energy_J / duration_s;
    energy->least_W = i->least_W;
    energy->most_W = i->most_W;
    energy->period_s = (i->last_s - i->first_s) / (double)(i->samples - 1);
    energy->longest_s = fmax(i->longest_s, fmax(before_s, after_s));
    energy->error_J =
        fabs(i->fine_J - i->coarse_J) / 3 + 0.5 * (i->most_W - i->least_W) * (before_s + after_s);
}

void kerf_summarise(const double *values, size_t n, kerf_summary *summary)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++) { /* Welford 1962 */
        const double off = values[i] - mean;
        mean += off / (double)(i + 1);
        squares += off * (values[i] - mean);
    }
    *summary =
        (kerf_summary){.n = n, .mean = n > 0 ? mean : NAN, .deviation = NAN, .confidence = NAN};
    if (n < 2)
        return;
    summary->deviation = sqrt(squares / (double)(n - 1));
    summary->confidence =
        kerf_student_t(0.975, (double)(n - 1)) * summary->deviation / sqrt((double)n);
}
