from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

instruction_set: str

class CanonicalMap:
    def __init__(
        self,
        A: NDArray[np.float64],
        W1: NDArray[np.float64],
        W2: NDArray[np.float64],
        h1: NDArray[np.float64],
        h2: NDArray[np.float64],
    ) -> None: ...
    @property
    def n_states(self) -> int: ...
    @property
    def n_units(self) -> int: ...
    @property
    def largest_entry(self) -> float: ...
    @property
    def A(self) -> NDArray[np.float64]: ...
    @property
    def W1(self) -> NDArray[np.float64]: ...
    @property
    def W2(self) -> NDArray[np.float64]: ...
    @property
    def h1(self) -> NDArray[np.float64]: ...
    @property
    def h2(self) -> NDArray[np.float64]: ...
    def preactivation(self, z: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def step(self, z: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def orbit(self, z0: NDArray[np.float64], n_steps: int) -> NDArray[np.float64]: ...
    def region(self, z: NDArray[np.float64]) -> NDArray[np.bool_]: ...
    def jacobian(self, region: NDArray[np.bool_]) -> NDArray[np.float64]: ...
    def offset(self, region: NDArray[np.bool_]) -> NDArray[np.float64]: ...

def solve_cycle(canonical_map: CanonicalMap, itinerary: NDArray[np.bool_]) -> dict[str, Any]: ...
def maximize(
    objective: NDArray[np.float64], normals: NDArray[np.float64], offsets: NDArray[np.float64]
) -> float: ...
def multipliers(jacobians: list[NDArray[np.float64]]) -> dict[str, Any]: ...

class TooManyItinerariesError(ValueError): ...

def find_cycles(
    canonical_map: CanonicalMap,
    orders: Sequence[int],
    method: str = "auto",
    seed: int = 0,
    *,
    max_restarts: int | None = None,
    max_iterations: int | None = None,
    box_lower: NDArray[np.float64] | None = None,
    box_upper: NDArray[np.float64] | None = None,
    states: NDArray[np.float64] | None = None,
    n_threads: int = 1,
    time_limit: float | None = None,
    observer: Callable[..., object] | None = None,
    proof_method: str = "auto",
    branching: str = "violation",
    rigorous: bool = True,
    keep_tree: bool = False,
    resume: dict[str, Any] | None = None,
    known: list[NDArray[np.bool_]] | None = None,
) -> dict[str, Any]: ...
def follow_cycles(
    map0: CanonicalMap,
    map1: CanonicalMap,
    itineraries: list[NDArray[np.bool_]],
    max_order: int,
    n_threads: int = 1,
    observer: Callable[[int, int], object] | None = None,
    time_limit: float | None = None,
) -> dict[str, Any]: ...
def events_on_path(
    map0: CanonicalMap, map1: CanonicalMap, itinerary: NDArray[np.bool_]
) -> dict[str, Any]: ...
def cycle_on_path(
    map0: CanonicalMap,
    map1: CanonicalMap,
    itinerary: NDArray[np.bool_],
    s: NDArray[np.float64] | Sequence[float],
) -> dict[str, Any]: ...
def basins(
    canonical_map: CanonicalMap,
    origin: NDArray[np.float64],
    directions: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    points: NDArray[np.int64],
    centers: NDArray[np.float64],
    factors: NDArray[np.float64],
    half_widths: NDArray[np.float64],
    attractors: NDArray[np.int32],
    *,
    max_steps: int,
    escape_radius: float,
    n_threads: int = 1,
    time_limit: float | None = None,
    observer: Callable[[int], object] | None = None,
) -> dict[str, Any]: ...
def basins_of_states(
    canonical_map: CanonicalMap,
    states: NDArray[np.float64],
    centers: NDArray[np.float64],
    factors: NDArray[np.float64],
    half_widths: NDArray[np.float64],
    attractors: NDArray[np.int32],
    *,
    max_steps: int,
    escape_radius: float,
    n_threads: int = 1,
    time_limit: float | None = None,
    observer: Callable[[int], object] | None = None,
) -> dict[str, Any]: ...
def manifold(
    canonical_map: CanonicalMap,
    itinerary: NDArray[np.bool_],
    points: NDArray[np.float64],
    error_bound: float,
    stable: bool,
    *,
    n_directions: int,
    depth: int,
    max_pieces: int,
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    n_threads: int = 1,
    time_limit: float | None = None,
    observer: Callable[[int, int], object] | None = None,
    resume: dict[str, Any] | None = None,
    max_length: float | None = None,
) -> dict[str, Any]: ...
def region_graph(
    canonical_map: CanonicalMap,
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    *,
    start: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    max_regions: int,
    n_threads: int = 1,
    time_limit: float | None = None,
    observer: Callable[[int, int], object] | None = None,
) -> dict[str, Any]: ...
def region_determinants(
    canonical_map: CanonicalMap,
    *,
    limit: int,
    n_threads: int = 1,
    time_limit: float | None = None,
) -> dict[str, Any]: ...
def closest_point(
    equations: NDArray[np.float64],
    values: NDArray[np.float64],
    inequalities: NDArray[np.float64],
    bounds: NDArray[np.float64],
    state: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float, float]: ...
def philox(key: Sequence[int], counter: Sequence[int], n: int) -> NDArray[np.uint64]: ...

class System:
    @property
    def n_states(self) -> int: ...
    @property
    def n_inputs(self) -> int: ...
    @property
    def layer_sizes(self) -> list[int]: ...
    @property
    def single_threaded(self) -> bool: ...
    def step(
        self, states: NDArray[np.float64], inputs: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]: ...
    def tangent(
        self,
        states: NDArray[np.float64],
        inputs: NDArray[np.float64] | None,
        block: NDArray[np.float64],
    ) -> NDArray[np.float64]: ...

def recurrent_network(
    kind: str,
    layers: Sequence[
        tuple[
            NDArray[np.float64],
            NDArray[np.float64],
            NDArray[np.float64] | None,
            NDArray[np.float64] | None,
        ]
    ],
    reset_after: bool = True,
) -> System: ...
def piecewise_linear_system(
    canonical_map: CanonicalMap,
    input_h1: NDArray[np.float64] | None = None,
    input_h2: NDArray[np.float64] | None = None,
) -> System: ...
def differentiable_map(
    n_states: int,
    step: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    jacobian: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> System: ...
def lyapunov_spectrum(
    system: System,
    states: NDArray[np.float64],
    inputs: NDArray[np.float64] | None = None,
    frames: Sequence[NDArray[np.float64]] | None = None,
    n_settle: int = 0,
    n_warmup: int = 0,
    *,
    n_steps: int,
    n_exponents: int,
    window: int = 1,
    qr_interval: int = 0,
    joint: bool = False,
    single_precision: bool = False,
    n_covariant: int = 0,
    seed: int = 0,
    n_threads: int = 1,
    time_limit: float | None = None,
    observer: Callable[[int, int, float], None] | None = None,
) -> dict[str, Any]: ...

class SmoothMap:
    def __init__(self, system: System, constant_input: NDArray[np.float64]) -> None: ...
    @property
    def n_states(self) -> int: ...
    def step(self, state: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def jacobian(self, state: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def input_jacobian(
        self, state: NDArray[np.float64], weight_ih: NDArray[np.float64]
    ) -> NDArray[np.float64]: ...
    def invariant_box(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...

def find_smooth_cycles(
    network: SmoothMap,
    orders: Sequence[int],
    *,
    seed: int = 0,
    max_restarts: int | None = None,
    states: NDArray[np.float64] | None = None,
    guesses: list[NDArray[np.float64]] = ...,
    n_threads: int = 1,
    time_limit: float | None = None,
    observer: Callable[..., object] | None = None,
) -> dict[str, Any]: ...
def find_slow_points(
    network: SmoothMap | CanonicalMap,
    *,
    seed: int = 0,
    max_restarts: int | None = None,
    max_speed: float = ...,
    states: NDArray[np.float64] | None = None,
    n_threads: int = 1,
    time_limit: float | None = None,
    observer: Callable[..., object] | None = None,
) -> dict[str, Any]: ...
def index_signs(canonical_map: CanonicalMap, regions: NDArray[np.bool_]) -> NDArray[np.int8]: ...
def piecewise_invariant_box(
    canonical_map: CanonicalMap, states: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None: ...
def prove_smooth_complete(
    network: SmoothMap,
    order: int,
    known: list[NDArray[np.float64]],
    *,
    max_boxes: int,
    n_threads: int = 1,
    time_limit: float | None = None,
    observer: Callable[..., object] | None = None,
) -> dict[str, Any]: ...

class SmoothPath:
    def __init__(self, first: SmoothMap, last: SmoothMap) -> None: ...
    @property
    def n_states(self) -> int: ...
    def rate(self, state: NDArray[np.float64], s: float) -> NDArray[np.float64]: ...
    def rate_bounds(
        self,
        lower: NDArray[np.float64],
        upper: NDArray[np.float64],
        s_lower: float,
        s_upper: float,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    def jacobians(self, points: NDArray[np.float64], s: float) -> list[NDArray[np.float64]]: ...
    def doubled_start(
        self, points: NDArray[np.float64], s: float
    ) -> tuple[NDArray[np.float64], float, NDArray[np.float64]] | None: ...
    def points_of_tube(
        self,
        centre: NDArray[np.float64],
        direction: NDArray[np.float64],
        sigma_begin: float,
        sigma_end: float,
        order: int,
        s: Sequence[float],
    ) -> list[NDArray[np.float64]]: ...

def follow_curves(
    path: SmoothPath,
    starts: list[tuple[NDArray[np.float64], float, NDArray[np.float64]]],
    *,
    n_threads: int = 1,
    time_limit: float | None = None,
) -> list[dict[str, Any]]: ...
def cycle_near(network: SmoothMap, points: NDArray[np.float64]) -> dict[str, Any]: ...
