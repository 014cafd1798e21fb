foreach(target config_toml config_text profile_toml profile_uri config_state)
  slopn_fuzz(${target} SOURCES ${target}.cpp LIBS slopn::config)
endforeach()
