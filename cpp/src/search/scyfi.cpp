#include <algorithm>

#include "context.hpp"
#include "starts.hpp"

namespace rnndyn {
namespace {

// Defaults of the published implementation for N_out and N_in.
std::int64_t published_restarts(Index order) { return order < 8 ? 10 : order < 30 ? 40 : 100; }
std::int64_t published_iterations(Index order) {
  if (order < 3) return 20;
  if (order < 6) return 60;
  if (order < 8) return 300;
  return order < 20 ? 1080 : 1115;
}

}  // namespace

// Algorithm 1 of Eisenmann, Monfared, Goering, Durstewitz (NeurIPS 2023), one restart after the
// other on one thread, with the bookkeeping of the published code: both counters start again when a
// new cycle is found, a settled or singular itinerary is replaced by a fresh random one within the
// same restart. Only the identity of cycles differs: itineraries instead of rounded coordinates.
void search_scyfi(SearchContext& context, OrderStatistics& statistics) {
  const Index order = statistics.order;
  const auto kernels = context.make_kernels(order);
  NewtonKernel& kernel = *kernels.front();
  const StateSampler sampler(context.map, context.options.box, context.options.seed);
  RandomStream stream(context.options.seed, static_cast<std::uint64_t>(order), 0);
  const std::int64_t max_restarts = context.max_restarts_or(published_restarts(order));
  const std::int64_t max_iterations = context.max_iterations_or(published_iterations(order));
  // The published code draws from the regions that random states visit where W2 is not I.
  const StartSource source =
      context.map.w2_is_identity() ? StartSource::random_bits : StartSource::random_states;
  const double start_seconds = context.control.seconds();
  const double before = context.progress.fraction.load();
  const double share = 1.0 / static_cast<double>(context.options.orders.size());

  Itinerary itinerary(order, context.map.words_per_region());
  Itinerary next = itinerary;
  const auto stride = static_cast<std::int64_t>(std::clamp(1e6 / kernel.flops(), 1.0, 1e3));
  for (std::int64_t restart = 0; restart < max_restarts; ++restart) {
    ++statistics.n_restarts;
    draw_start(source, context.map, sampler, kernel, stream, itinerary);
    for (std::int64_t iteration = 0; iteration < max_iterations; ++iteration) {
      ++statistics.n_solves;
      if (statistics.n_solves % stride == 0) {
        context.progress.n_solves.store(statistics.n_solves);
        context.progress.fraction.store(
            before + share * static_cast<double>(restart) / static_cast<double>(max_restarts));
        if (context.control.stop_requested()) return;
      }
      const NewtonStatus status = kernel.iterate(itinerary.bits.data(), next.bits.data());
      if (status == NewtonStatus::moved) {
        itinerary.bits.swap(next.bits);
        continue;
      }
      if (status != NewtonStatus::diverged) {
        const std::size_t n_before = context.collection.members().size();
        const Itinerary settled = canonical_rotation(itinerary);
        file_candidates(context, {settled});
        const std::int32_t id = context.collection.lookup(settled);
        if (id >= 0) {
          Collection::Member& member = context.collection.members()[static_cast<std::size_t>(id)];
          if (member.order() == order) ++member.hits;
          if (context.collection.members().size() > n_before && member.order() == order) {
            restart = 0;
            iteration = 0;
            statistics.n_solves_at_last_new = statistics.n_solves;
            statistics.seconds_at_last_new = context.control.seconds() - start_seconds;
          }
        }
      }
      draw_start(source, context.map, sampler, kernel, stream, itinerary);
    }
  }
  statistics.complete = true;
}

}  // namespace rnndyn
