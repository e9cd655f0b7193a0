"""The collection: what a device was unsure of is kept in one file, corrected by a person, and learnt from."""

from digitrec_edge.collection.exchange import Corrected, Merged, corrected, export_npz, import_npz, merge
from digitrec_edge.collection.items import Item, Kept, Said, utc_now
from digitrec_edge.collection.keep import UNSURE_BELOW, Keep
from digitrec_edge.collection.listing import Counts
from digitrec_edge.collection.store import Collection

__all__ = [
    "UNSURE_BELOW",
    "Collection",
    "Corrected",
    "Counts",
    "Item",
    "Keep",
    "Kept",
    "Merged",
    "Said",
    "corrected",
    "export_npz",
    "import_npz",
    "merge",
    "utc_now",
]
