"""What a change of the program would do to an environment, learned from the program alone.

Two graph documents are compared, one of a revision and one of the working tree: resources, rights, cost and
the pipeline. No cloud is asked, so this is program against program: what differs between the program and the
cloud, `pulumi preview` knows.
"""
