-- What is kept of a snapshot, so that the growth of its labels can be told when it is gone.
SELECT label_norm, label_name_sample, n_total_releases FROM label_release_counts_v1
