"""Teacher and student after Srivastava: Using Contrastive Learning and Pseudolabels …, VISAPP 2022."""
