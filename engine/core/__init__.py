"""Plain values and mathematics that every room shares. No I/O, and nothing imported from other rooms."""
