# SPDX-License-Identifier: Apache-2.0
"""index.py URL: an index that only this server needs. It knows no ranges of _id, and looked at the
records of all boards for each query; with (board, _id) only at those of the one that is asked for."""
import sys

import pymongo

client = pymongo.MongoClient(sys.argv[1])
client.get_default_database().record.create_index([("board", 1), ("_id", 1)])
