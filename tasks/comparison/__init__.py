"""The comparison of the arms of a study: performance, faithfulness and claims."""
