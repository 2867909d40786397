/* Random numbers by counter: the i-th draw of a stream is a function of the seed, the replication,
 * who draws, what for, and i alone. So results depend neither on the number of threads nor on the
 * order of events, and all policies see the same arrivals, faults and service times (common random
 * numbers).
 *
 * The mixing is MurmurHash3's finalizer with Stafford's constants, as in splitmix64 (Steele, Lea,
 * Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014), applied twice. */
#ifndef KERF_SIMULATE_RANDOM_H
#define KERF_SIMULATE_RANDOM_H

#include <math.h>
#include <stdint.h>

typedef enum sim_stream {
    SIM_STREAM_PHASE,   /* when a periodic stream begins */
    SIM_STREAM_ARRIVAL, /* gaps and jitter */
    SIM_STREAM_STATE,   /* of bursts */
    SIM_STREAM_OFFSET,  /* where in a trace a device begins */
    SIM_STREAM_FAULT,   /* between failures, and repairs */
    SIM_STREAM_SERVICE  /* server times */
} sim_stream;

static inline uint64_t sim_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* The key of everything that one replication draws. */
static inline uint64_t sim_key(uint64_t seed, uint64_t replication)
{
    return sim_mix(sim_mix(seed + UINT64_C(0x9e3779b97f4a7c15)) +
                   (replication + 1) * UINT64_C(0xd1b54a32d192ed03));
}

static inline uint64_t sim_bits(uint64_t key, uint64_t who, sim_stream stream, uint64_t i)
{
    const uint64_t own =
        sim_mix(key + ((who << 4) + (uint64_t)stream) * UINT64_C(0x9e3779b97f4a7c15));
    return sim_mix(sim_mix(own + (i + 1) * UINT64_C(0xda942042e4dd58b5)));
}

/* Uniform in [0, 1). */
static inline double sim_uniform(uint64_t key, uint64_t who, sim_stream stream, uint64_t i)
{
    return (double)(sim_bits(key, who, stream, i) >> 11) * 0x1p-53;
}

/* Exponential with mean 1; more than 0. */
static inline double sim_exponential(uint64_t key, uint64_t who, sim_stream stream, uint64_t i)
{
    return -log((double)((sim_bits(key, who, stream, i) >> 11) + 1) * 0x1p-53) + 0x1p-60;
}

/* Standard normal, by Box and Muller from draws 2i and 2i + 1. */
static inline double sim_normal(uint64_t key, uint64_t who, sim_stream stream, uint64_t i)
{
    const double r = sqrt(2 * sim_exponential(key, who, stream, 2 * i));
    return r * cos(6.283185307179586477 * sim_uniform(key, who, stream, 2 * i + 1));
}

#endif
