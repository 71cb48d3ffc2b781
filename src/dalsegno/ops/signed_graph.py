"""Clusters of a graph whose edges attract or repel."""

from collections.abc import Sequence
from typing import Any

import mwatershed
import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["Edges", "clusters", "roots"]

_CERTAIN = np.uint64(2**64 - 1)
_FEW = 20_000  # edges that are sooner taken one by one


@frozen(eq=False)
class Edges:
    """Edges of a graph.

    Attributes
    ----------
    u, v
        Node at either end of each edge, int32.
    key
        Strength, uint64; no two edges have the same.
    """

    u: NDArray[np.int32]
    v: NDArray[np.int32]
    key: NDArray[np.uint64]

    @classmethod
    def joined(cls, parts: "Sequence[Edges]") -> "Edges":
        """Return the edges of all parts."""
        ends, keys = np.zeros(0, np.int32), np.zeros(0, np.uint64)
        u = np.concatenate([ends, *(part.u for part in parts)])
        v = np.concatenate([ends, *(part.v for part in parts)])
        return cls(u, v, np.concatenate([keys, *(part.key for part in parts)]))

    def __len__(self) -> int:
        return len(self.key)

    def of(self, chosen: NDArray[Any]) -> "Edges":
        """Return the edges that a mask or positions choose."""
        return Edges(self.u[chosen], self.v[chosen], self.key[chosen])

    def between(self, groups: NDArray[np.int32]) -> "Edges":
        """Return the edges from one group of nodes to another; what has a negative group is left out."""
        u, v = groups[self.u], groups[self.v]
        kept = np.flatnonzero((u != v) & (u >= 0) & (v >= 0))
        return Edges(u[kept], v[kept], self.key[kept])

    def renamed(self, names: NDArray[np.int32]) -> "Edges":
        """Return the edges with other names for their nodes."""
        return Edges(names[self.u], names[self.v], self.key)

    def nodes(self, num_nodes: int) -> NDArray[np.intp]:
        """Return the nodes that have edges, in order."""
        found = np.zeros(num_nodes, bool)
        found[self.u] = True
        found[self.v] = True
        return np.flatnonzero(found)

    def pairs(self) -> NDArray[np.int64]:
        """Return a number for each edge, the same where both ends are."""
        return (np.minimum(self.u, self.v).astype(np.int64) << 32) | np.maximum(self.u, self.v)


def roots(parents: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the root above each node of a forest, where roots are their own parents."""
    while True:
        grandparents = parents[parents]
        if np.array_equal(grandparents, parents):
            return parents
        parents = grandparents


def clusters(num_nodes: int, attractive: Edges, repulsive: Edges) -> NDArray[np.int32]:
    """Return the clusters that arise when edges are taken one by one, the strongest first.

    An attractive edge joins the clusters of its ends unless these exclude each other; a repulsive one makes them
    exclude each other unless they are one. Here whole rounds of edges are contracted at a time, with the same
    result. Let the best edge of a node be its strongest attractive one: until its turn the node is a cluster by
    itself. So

    - a repulsive edge stronger than the best edge of one of its ends always makes them exclude each other, and
      attractive edges between them can go;
    - a best edge of both its ends, unless they exclude each other, always joins them; nothing that either of them
      excludes depends on when they are joined;
    - the best edge of a node always joins if nothing that repels the node more strongly can be at its other end by
      then: each is itself still alone, its own best edge being weaker, or excludes the other end;
    - a node without attractive edges is a cluster, and its edges can go.

    Contracted from the strongest down, the edges of a round leave these reasons for the others as they are. The
    strongest of all attractive edges always falls under the first two, so every round does something; where rounds
    become small, the edges that are left are taken one by one. That best edges of both ends suffice is known from
    hierarchical clustering; that this is one, from Bailoni et al., "GASP, a generalized framework for agglomerative
    clustering of signed graphs" (2022).

    Parameters
    ----------
    num_nodes
        Nodes are 0 … num_nodes - 1.
    attractive, repulsive
        Edges between different nodes; any number between the same two.

    Returns
    -------
    representatives
        For each node one of its cluster, the same for the whole cluster; int32, shape ``(num_nodes,)``.
    """
    forest = np.arange(num_nodes, dtype=np.int32)
    nodes = forest.copy()
    while True:
        left = attractive.nodes(len(nodes))
        place = np.full(len(nodes), -1, np.int32)
        place[left] = np.arange(len(left), dtype=np.int32)
        attractive, repulsive, nodes = attractive.between(place), repulsive.between(place), nodes[left]
        if len(attractive) + len(repulsive) <= _FEW:
            break
        if len(repulsive) > len(attractive):
            repulsive = _within_reach(repulsive, attractive, len(nodes))
        best, partner = _best_edges(len(nodes), attractive)
        repulsive, exclusions = _certain(repulsive, best)
        blocked = exclusions.blocked(partner)
        parents = _contracted(best, partner, blocked, exclusions.threatened(partner))
        forest[nodes] = nodes[parents]
        gone = exclusions.known(attractive.pairs())
        gone |= blocked[attractive.u] & (partner[attractive.u] == attractive.v)
        gone |= blocked[attractive.v] & (partner[attractive.v] == attractive.u)
        attractive, repulsive = attractive.of(np.flatnonzero(~gone)).between(parents), repulsive.renamed(parents)
    forest[nodes] = nodes[_one_by_one(len(nodes), attractive, repulsive)]
    return roots(forest)


def _within_reach(repulsive: Edges, attractive: Edges, num_nodes: int) -> Edges:
    """Return the repulsive edges between nodes that attractive ones connect; others have nothing to prevent."""
    links = coo_array((np.ones(len(attractive), bool), (attractive.u, attractive.v)), shape=(num_nodes, num_nodes))
    _, part = connected_components(links, directed=False)
    return repulsive.of(np.flatnonzero(part[repulsive.u] == part[repulsive.v]))


def _best_edges(num_nodes: int, attractive: Edges) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Return the key of each node's best edge, and the node at its other end."""
    best = np.zeros(num_nodes, np.uint64)
    np.maximum.at(best, attractive.u, attractive.key)
    np.maximum.at(best, attractive.v, attractive.key)
    partner = np.empty(num_nodes, np.int32)
    for ends, others in ((attractive.u, attractive.v), (attractive.v, attractive.u)):
        found = np.flatnonzero(best[ends] == attractive.key)
        partner[ends[found]] = others[found]
    return best, partner


class _Exclusions:
    """Pairs of nodes that always exclude each other.

    They are looked up in a table with one pair to a slot: a few are not found, but what is found is one.
    """

    def __init__(self, edges: Edges, best: NDArray[np.uint64]) -> None:
        first = best[edges.u] > best[edges.v]
        self._sooner = np.where(first, edges.u, edges.v)
        self._later = np.where(first, edges.v, edges.u)
        self._pairs = edges.pairs()
        bits = len(edges).bit_length() + 1
        self._shift = np.uint64(64 - bits)
        self._table = np.zeros(1 << bits, np.int32)
        self._table[self._slots(self._pairs)] = np.arange(len(edges), dtype=np.int32)

    def _slots(self, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        return ((pairs.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> self._shift).view(np.int64)

    def known(self, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which pairs are found."""
        if not len(self._pairs):
            return np.zeros(len(pairs), bool)
        found: NDArray[np.bool_] = self._pairs[self._table[self._slots(pairs)]] == pairs
        return found

    def repeated(self) -> NDArray[np.bool_]:
        """Return which edges exclude a pair that another one excludes."""
        holder = self._table[self._slots(self._pairs)]
        repeated: NDArray[np.bool_] = (holder != np.arange(len(holder))) & (self._pairs[holder] == self._pairs)
        return repeated

    def blocked(self, partner: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return which nodes exclude the other end of their best edge."""
        blocked = np.zeros(len(partner), bool)
        blocked[self._later[partner[self._later] == self._sooner]] = True
        blocked[self._sooner[partner[self._sooner] == self._later]] = True
        return blocked

    def threatened(self, partner: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return which nodes might exclude the other end of their best edge by its turn.

        What a node excludes can be there by then if its own best edge comes sooner.
        """
        threatened = np.zeros(len(partner), bool)
        others = Edges(partner[self._later], self._sooner, self._later)
        threatened[self._later[~self.known(others.pairs())]] = True
        return threatened


def _certain(repulsive: Edges, best: NDArray[np.uint64]) -> tuple[Edges, _Exclusions]:
    """Return the repulsive edges with each certain exclusion about once, and these exclusions."""
    certain = np.flatnonzero(repulsive.key > np.minimum(best[repulsive.u], best[repulsive.v]))
    exclusions = _Exclusions(repulsive.of(certain), best)
    key = repulsive.key.copy()
    key[certain] = _CERTAIN  # when does not matter, as they can't be joined before
    kept = np.ones(len(key), bool)
    kept[certain[exclusions.repeated()]] = False
    return Edges(repulsive.u, repulsive.v, key).of(kept), exclusions


def _contracted(
    best: NDArray[np.uint64], partner: NDArray[np.int32], blocked: NDArray[np.bool_], threatened: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Return the node that stands for each node when the edges that always join are contracted."""
    itself = np.arange(len(best), dtype=np.int32)
    of_both = best[partner] == best
    parents = np.where(~blocked & (of_both | ~threatened), partner, itself)
    return roots(np.where(of_both & (itself < partner), itself, parents))


def _one_by_one(num_nodes: int, attractive: Edges, repulsive: Edges) -> NDArray[np.int32]:
    edges = Edges.joined([attractive, repulsive])
    order = np.argsort(edges.key, kind="stable")[::-1]
    ends = ((edges.u[order] + 1).tolist(), (edges.v[order] + 1).tolist())
    clustered = mwatershed.cluster(list(zip((order < len(attractive)).tolist(), *ends, strict=True)))
    segments = np.arange(num_nodes, dtype=np.int32)
    if clustered:
        nodes, labels = np.array(clustered, np.int64).T
        _, first, members = np.unique(labels, return_index=True, return_inverse=True)
        segments[nodes - 1] = (nodes - 1)[first][members]
    return segments
