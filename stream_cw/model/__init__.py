"""What is learned from logs: labels, the data set, training, evaluation, the artefact."""
